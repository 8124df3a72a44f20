import { test } from 'tap'
import { murmur2 } from './murmur2.ts'

test('murmur2 agrees with the test vectors of the Java client', async t => {
  const vectors = [
    ['21', -973932308],
    ['foobar', -790332482],
    ['a-little-bit-long-string', -985981536],
    ['a-little-bit-longer-string', -1486304829],
    ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
    ['abc', 479470107],
  ] as const
  for (const [text, hash] of vectors) t.equal(murmur2(text), hash & 0x7fffffff, text)
})
