/**
 * The hash by which Kafka's Java client spreads keys over partitions, so that other clients agree
 * with ours about where an aggregate lives.
 *
 * @returns a non-negative 31-bit integer
 * @see https://github.com/apache/kafka/blob/4.0.0/clients/src/main/java/org/apache/kafka/common/utils/Utils.java
 */
export function murmur2(text: string): number {
  const data = Buffer.from(text)
  const m = 0x5bd1e995
  let h = 0x9747b28c ^ data.length
  const whole = data.length & ~3
  for (let i = 0; i < whole; i += 4) {
    let k = Math.imul(data.readInt32LE(i), m)
    k ^= k >>> 24
    h = Math.imul(h, m) ^ Math.imul(k, m)
  }
  const rest = data.length - whole
  if (rest > 0) {
    for (let i = rest - 1; i >= 0; i -= 1) h ^= data.readUInt8(whole + i) << (8 * i)
    h = Math.imul(h, m)
  }
  h ^= h >>> 13
  h = Math.imul(h, m)
  h ^= h >>> 15
  return h & 0x7fffffff
}
