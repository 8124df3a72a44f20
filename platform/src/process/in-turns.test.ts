import { setTimeout as delay } from 'node:timers/promises'
import { test } from 'tap'
import { inTurns } from './in-turns.ts'

test('what is asked for during a turn is done together in the next one, at most so many', async t => {
  const turns: number[][] = []
  const add = inTurns<number>(async items => {
    turns.push([...items])
    await delay(5)
  }, 3)
  await Promise.all([1, 2, 3, 4, 5].map(add))
  t.same(turns, [[1], [2, 3, 4], [5]])
  await add(6)
  t.same(turns.at(-1), [6], 'and goes on after a quiet time')
})

test('an item that fails fails for nobody else', async t => {
  const done: number[] = []
  const add = inTurns<number>(async items => {
    await delay(1)
    if (items.includes(3)) throw new Error('three')
    done.push(...items)
  })
  const outcomes = await Promise.allSettled([1, 2, 3, 4].map(add))
  t.same(
    outcomes.map(({ status }) => status),
    ['fulfilled', 'fulfilled', 'rejected', 'fulfilled'],
  )
  t.same(done, [1, 2, 4])
})
