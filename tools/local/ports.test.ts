import { once } from 'node:events'
import { createServer } from 'node:net'
import { test } from 'tap'
import { holdExactPort, holdPort, loopback } from './ports.ts'

test('a held port is taken for everybody else until it is released', async t => {
  const held = await holdPort(undefined)
  t.equal(await holdExactPort(held.port), undefined)
  await held.release()
  const server = createServer().listen(held.port, loopback)
  await once(server, 'listening')
  server.close()
})

test('a preferred port that is taken is replaced by a free one', async t => {
  const first = await holdPort(undefined)
  const second = await holdPort(first.port)
  t.not(second.port, first.port)
  await Promise.all([first.release(), second.release()])
})

test('launchers that start together get different ports', async t => {
  const held = await Promise.all(Array.from({ length: 30 }, () => holdPort(undefined)))
  t.equal(new Set(held.map(({ port }) => port)).size, held.length)
  await Promise.all(held.map(one => one.release()))
})
