import { randomFillSync } from 'node:crypto'

// Random bytes are fetched in bulk: one call of the generator costs more than the bytes do.
const pool = Buffer.allocUnsafe(4096)
let used = pool.length

/**
 * Random bytes for ids that are no secret: a view, to be used before the next call.
 *
 * @param bytes at most 4096
 */
export function randomSlice(bytes: number): Buffer {
  if (used + bytes > pool.length) {
    randomFillSync(pool)
    used = 0
  }
  used += bytes
  return pool.subarray(used - bytes, used)
}
