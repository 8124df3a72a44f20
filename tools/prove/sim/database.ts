import type { NewEvent } from '@campus/contracts/envelope'
import type { World } from './world.ts'

// The database of one service. A transaction writes tables, outbox and inbox together: when the process
// dies before the commit, none of it has happened. What was committed survives everything, so an event
// in the outbox is published some time, whatever dies in between.

/** A record as the bus carries it. */
export interface Sent {
  readonly id: string
  readonly topic: string
  readonly type: string
  readonly key: string
  /** 1, 2, 3 … gapless per topic and key. */
  readonly version: number
  readonly data: unknown
}

/** What may be written together. */
export interface Tx {
  put<K, V>(table: Map<K, V>, key: K, value: V): void
  remove<K, V>(table: Map<K, V>, key: K): void
  emit(...events: readonly NewEvent[]): void
}

/** How a transaction ends: the process may die right before its commit. */
export type Fate = 'commit' | 'crash'

export interface Database {
  readonly name: string
  /** Committed events that the relay has not settled, by sequence number. */
  readonly outbox: Map<number, Sent>
  /** Ids of events that a consumer has handled. */
  readonly inbox: Map<string, true>
  /** The last version of each key that was emitted. */
  readonly versions: Map<string, number>
  transaction(fate: Fate, work: (tx: Tx) => void): void
}

/** An empty database. */
export function createDatabase(world: World, name: string): Database {
  const outbox = new Map<number, Sent>()
  const versions = new Map<string, number>()
  let undo: (() => void)[] = []
  // A sequence is not rolled back, in Postgres neither.
  let lastSeq = 0

  const tx: Tx = {
    put(table, key, value) {
      const before = table.get(key)
      undo.push(before === undefined ? () => table.delete(key) : () => table.set(key, before))
      table.set(key, value)
    },
    remove(table, key) {
      const before = table.get(key)
      if (before !== undefined) undo.push(() => table.set(key, before))
      table.delete(key)
    },
    emit(...events) {
      for (const { definition, subject, data } of events) {
        const { topic, type } = definition
        const key = `${definition.aggregate}:${subject}`
        const version = (versions.get(`${topic} ${key}`) ?? 0) + 1
        lastSeq += 1
        tx.put(versions, `${topic} ${key}`, version)
        tx.put(outbox, lastSeq, { id: world.newId(), topic, type, key, version, data })
      }
    },
  }

  return {
    name,
    outbox,
    inbox: new Map(),
    versions,
    transaction(fate, work) {
      undo = []
      let isCommitted = false
      try {
        work(tx)
        isCommitted = fate === 'commit'
      } finally {
        if (!isCommitted) for (const step of undo.toReversed()) step()
      }
    },
  }
}
