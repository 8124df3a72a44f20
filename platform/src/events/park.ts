import { header } from '@campus/contracts/envelope'
import { sql } from 'drizzle-orm'
import { v7 } from 'uuid'
import type { Tx } from '../data/postgres.ts'
import type { IncomingRecord } from './kafka-record.ts'

/** Why an event waits for an operator. */
export interface ParkReason {
  readonly errorClass: string
  readonly error: string
  readonly stack?: string
  readonly attempts: number
}

/** Older than what was applied, and never applied itself. */
export const late: ParkReason = {
  errorClass: 'late',
  error: 'A later version of this aggregate was applied before.',
  attempts: 0,
}

/** It is released by itself when the missing version arrives. */
export function gapAfter(seen: number | undefined, version: number): ParkReason {
  return {
    errorClass: 'gap',
    error: `Version ${version} arrived after version ${seen ?? 0}: what is between is missing.`,
    attempts: 0,
  }
}

/** Why a failed attempt parks its event. */
export function failure(cause: unknown, attempts: number): ParkReason {
  const { name, message, stack } = cause instanceof Error ? cause : new Error(String(cause))
  return {
    errorClass: name,
    error: message,
    attempts,
    ...(stack !== undefined && { stack }),
  }
}

/** Follows an event of its key into the park: order inside an aggregate is kept. */
export const behind: ParkReason = {
  errorClass: 'behind',
  error: 'An earlier event of this key is parked.',
  attempts: 0,
}

/**
 * Parks an event and its key: later events of the key wait behind it, all other keys flow. The inbox
 * row says that the consumer is done with the record; `campus parked retry` applies it later.
 */
export async function park(
  tx: Tx,
  consumer: string,
  record: IncomingRecord,
  reason: ParkReason,
): Promise<void> {
  const key = record.key ?? ''
  const id = record.headers[header.id] ?? null
  const version = Number(record.headers[header.version])
  // The update changes nothing but locks the row: a retry that empties the key at this moment is waited
  // for, and the key is parked again.
  await tx.execute(sql`
    insert into parked_key as k (consumer, topic, aggregate_key)
    values (${consumer}, ${record.topic}, ${key})
    on conflict (consumer, topic, aggregate_key) do update set since = k.since`)
  await tx.execute(sql`
    insert into parked_event (id, consumer, event_id, aggregate_key, aggregate_version, topic,
      partition, record_offset, type, payload, headers, error_class, error, stack, attempts)
    values (${v7()}, ${consumer}, case when ${id} ~ '^[0-9a-f-]{36}$' then ${id}::uuid end, ${key},
      ${Number.isSafeInteger(version) ? version : null}, ${record.topic}, ${record.partition},
      ${String(record.offset)}::bigint, ${record.headers[header.type] ?? null}, ${record.value},
      ${JSON.stringify(record.headers)}::jsonb, ${reason.errorClass}, ${reason.error},
      ${reason.stack ?? null}, ${reason.attempts})
    on conflict (consumer, topic, partition, record_offset) do nothing`)
}
