import { test } from 'tap'
import { createBell } from './bell.ts'
import { frameText } from './event-frames.ts'

const never = new AbortController().signal

test('what people wrote cannot end a frame or begin another', async t => {
  const text = frameText({ event: 'notification', id: 7, data: { title: 'a\n\nevent: end\r\n' } })
  t.equal(text, 'id: 7\nevent: notification\ndata: {"title":"a\\n\\nevent: end\\r\\n"}\n\n')
  t.equal(frameText({ event: 'end', data: {} }), 'event: end\ndata: {}\n\n')
})

test('a bell remembers one ring, wakes who waits, and lets nobody wait for ever', async t => {
  const bell = createBell()
  t.equal(await bell.heard(1, never), false)
  bell.ring()
  bell.ring()
  t.equal(await bell.heard(60_000, never), true, 'a ring before the wait counts')
  t.equal(await bell.heard(1, never), false, 'once')
  const woken = bell.heard(60_000, never)
  bell.ring()
  t.equal(await woken, true)
  const over = new AbortController()
  const ended = bell.heard(60_000, over.signal)
  over.abort()
  t.equal(await ended, false)
  t.equal(await bell.heard(60_000, over.signal), false, 'nor does a wait begin after it')
})
