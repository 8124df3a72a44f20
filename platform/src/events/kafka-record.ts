import type { KafkaMessage } from 'kafkajs'

/** A record to publish. */
export interface OutgoingRecord {
  readonly key: string
  /** null is a tombstone. */
  readonly value: string | null
  readonly headers: Readonly<Record<string, string>>
  readonly timestamp: Date
}

/** A record as it was read. */
export interface IncomingRecord {
  readonly topic: string
  readonly partition: number
  readonly offset: bigint
  readonly key: string | null
  readonly value: Buffer | null
  readonly headers: Readonly<Record<string, string>>
  readonly timestamp: Date
}

/** The record that a kafkajs message is. */
export function toRecord(topic: string, partition: number, message: KafkaMessage): IncomingRecord {
  const headers: Record<string, string> = {}
  for (const [name, value] of Object.entries(message.headers ?? {})) {
    const last = Array.isArray(value) ? value.at(-1) : value
    if (last !== undefined) headers[name] = last.toString()
  }
  return {
    topic,
    partition,
    offset: BigInt(message.offset),
    key: message.key?.toString() ?? null,
    value: message.value,
    headers,
    timestamp: new Date(Number(message.timestamp)),
  }
}
