import { array, assert, constantFrom, integer, property, record } from 'fast-check'
import { test } from 'tap'
import { createOrderGuard, type Verdict } from './order-guard.ts'

const key = 'glass:g'
const heard = { key, isFresh: true, isHeard: true }

function judgeAll(before: number | undefined, versions: readonly number[]): Verdict[] {
  const guard = createOrderGuard(new Map(before === undefined ? [] : [[key, before]]), [])
  return versions.map(version => guard.judge({ ...heard, version }))
}

test('versions that follow each other are applied', async t => {
  t.same(judgeAll(4, [5, 6, 7]), ['apply', 'apply', 'apply'])
})

test('the first version that is seen of an aggregate is its baseline', async t => {
  t.same(judgeAll(undefined, [3, 4]), ['apply', 'apply'])
})

test('after a missing version everything of the aggregate waits', async t => {
  t.same(judgeAll(1, [3, 4]), ['gap', 'behind'])
})

test('an event that was overtaken and never applied is late', async t => {
  t.same(judgeAll(5, [4, 6]), ['late', 'behind'])
})

test('what the inbox knows changes nothing, and counts as seen', async t => {
  const guard = createOrderGuard(new Map([[key, 1]]), [])
  t.equal(guard.judge({ ...heard, version: 2, isFresh: false }), 'duplicate')
  t.equal(guard.judge({ ...heard, version: 3 }), 'apply')
})

test('an event that nobody handles advances the version and is never late', async t => {
  const guard = createOrderGuard(new Map([[key, 1]]), [])
  t.equal(guard.judge({ ...heard, version: 2, isHeard: false }), 'apply')
  t.equal(guard.judge({ ...heard, version: 1, isHeard: false }), 'duplicate')
  t.equal(guard.judge({ ...heard, version: 4, isHeard: false }), 'gap')
})

test('a parked key holds back its own events only', async t => {
  const guard = createOrderGuard(new Map([[key, 1]]), [key])
  t.equal(guard.judge({ ...heard, version: 2 }), 'behind')
  t.equal(guard.judge({ ...heard, key: 'glass:h', version: 1 }), 'apply')
  t.equal(guard.seen(key), 1)
})

test('whatever is delivered, each aggregate is applied gapless and in order', async t => {
  const delivery = array(
    record({ key: constantFrom('a', 'b'), version: integer({ min: 1, max: 8 }) }),
    { maxLength: 40 },
  )
  assert(
    property(delivery, events => {
      const guard = createOrderGuard(new Map(), [])
      const inbox = new Set<string>()
      const applied = new Map<string, number[]>()
      for (const event of events) {
        const id = `${event.key} ${event.version}`
        const verdict = guard.judge({ ...event, isFresh: !inbox.has(id), isHeard: true })
        inbox.add(id)
        if (verdict === 'apply') {
          applied.set(event.key, [...(applied.get(event.key) ?? []), event.version])
        }
      }
      return [...applied.values()].every(versions =>
        versions.every((version, i) => version === (versions[0] ?? 0) + i),
      )
    }),
  )
  t.pass()
})
