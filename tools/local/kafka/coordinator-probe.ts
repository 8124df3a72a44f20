// Asks a broker for the offsets of a group that does not exist. The answer needs everything that the
// first consumer needs: the broker unfenced, the internal offsets topic created and loaded. A port that
// merely accepts is too early: on fresh data the first consumers would log a coordinator crash.
//
// Two requests of the Kafka protocol, by hand (see exchange.ts for the reason):
//   FindCoordinator v1  key, key type 0 (group)   → throttle int32, error int16, …
//   OffsetFetch     v2  group, topics null (all)  → topics array, error int16
// Before each: length int32, api key int16, version int16, correlation id int32, client id.
import { exchange } from '../exchange.ts'

const group = 'campus-readiness'

/**
 * Resolves when consumers can be served.
 *
 * @see https://kafka.apache.org/43/design/protocol/
 */
export async function coordinatorAnswers(port: number): Promise<void> {
  const findCoordinator = request(10, 1, Buffer.concat([text(group), Buffer.from([0])]))
  await exchange(port, findCoordinator, answer => isAccepted(answer, body => body.readInt16BE(4)))
  const offsetFetch = request(9, 2, Buffer.concat([text(group), int32(-1)]))
  await exchange(port, offsetFetch, answer => isAccepted(answer, body => body.readInt16BE(4)))
}

function isAccepted(answer: Buffer, errorOf: (body: Buffer) => number): boolean {
  if (answer.length < 4 || answer.length < 4 + answer.readInt32BE(0)) return false
  const error = errorOf(answer.subarray(8))
  if (error !== 0) throw new Error(`Kafka is not ready for groups (error ${error}).`)
  return true
}

function request(apiKey: number, version: number, body: Buffer): Buffer {
  const header = Buffer.alloc(8)
  header.writeInt16BE(apiKey, 0)
  header.writeInt16BE(version, 2)
  const message = Buffer.concat([header, text('campus'), body])
  return Buffer.concat([int32(message.length), message])
}

function text(value: string): Buffer {
  const length = Buffer.alloc(2)
  length.writeInt16BE(Buffer.byteLength(value))
  return Buffer.concat([length, Buffer.from(value)])
}

function int32(value: number): Buffer {
  const buffer = Buffer.alloc(4)
  buffer.writeInt32BE(value)
  return buffer
}
