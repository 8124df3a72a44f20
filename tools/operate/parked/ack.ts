import { sql } from 'drizzle-orm'
import { type Exit, exit } from '../exit.ts'
import { type Operation, operate } from '../operation.ts'
import type { CommonOptions } from '../options.ts'
import { table } from '../schemas.ts'
import { chooseKeys, type Selection } from './choice.ts'

/** Options of `campus parked ack`. */
export interface AckOptions {
  readonly all?: boolean
  readonly undo?: boolean
  readonly dryRun?: boolean
}

/** Silences the alert of parked keys, or lets them alert again. */
export async function ack(
  which: Pick<Selection, 'consumer' | 'key'>,
  options: CommonOptions & AckOptions,
): Promise<void> {
  await operate(options, operation => acknowledge(operation, which, options))
}

/** @see ack */
export async function acknowledge(
  operation: Operation,
  which: Pick<Selection, 'consumer' | 'key'>,
  { all, undo, dryRun }: AckOptions,
): Promise<Exit> {
  const by = undo === true ? null : operation.by
  const keys = await operation.postgres().transaction(async tx => {
    const chosen = await chooseKeys(tx, { ...which, all })
    if (dryRun === true) return chosen.keys
    for (const { consumer, topic, key } of chosen.keys) {
      await tx.execute(sql`
        update ${table(chosen.schema, 'parked_key')} set acknowledged_by = ${by}
        where consumer = ${consumer} and topic = ${topic} and aggregate_key = ${key}`)
    }
    return chosen.keys
  })
  const outcome = undo === true ? 'alerts again' : 'acknowledged'
  operation.output.table(
    keys.map(({ consumer, topic, key }) => ({
      ...(dryRun === true ? { would: undo === true ? 'undo' : 'acknowledge' } : { outcome }),
      consumer,
      topic,
      key,
    })),
    '',
  )
  return exit.done
}
