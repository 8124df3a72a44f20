import type { EventDefinition } from '@campus/contracts/envelope'
import type { Static, TObject } from 'typebox'
import type { Database, Sent, Tx } from './database.ts'
import { must, short, type World } from './world.ts'

// Relay, topics and consumers, as docs/events.md describes them. Every key has a log of its own, so keys
// overtake each other at will; the real mesh has fewer logs, and thereby fewer orders of events.
//
// - A send may be lost, and is repeated. An acknowledgement may be lost, and the send is repeated.
// - An owner of a lane that was paused may send a batch once more, long after: late copies, in order.
// - A process may die before it commits, or after it and before it commits its offset; then it reads
//   the last records again. The inbox makes that harmless.
//
// The first copies of a key's events arrive in the order of their versions, without a gap: the bus
// checks itself, because everything else rests on it.

/** What a consumer does with one kind of event. */
export interface Handler {
  readonly type: string
  handle(tx: Tx, event: Sent): void
}

/** A handler of the events of one definition. */
export function on<Schema extends TObject>(
  definition: EventDefinition<Schema>,
  handle: (tx: Tx, data: Static<Schema>, event: Sent) => void,
): Handler {
  return {
    type: definition.type,
    // The type of an event says which schema its payload meets.
    // oxlint-disable-next-line no-unsafe-type-assertion
    handle: (tx, event) => handle(tx, event.data as Static<Schema>, event),
  }
}

/** One service as a reader of topics. */
export interface Consumer {
  readonly db: Database
  readonly handlers: ReadonlyMap<string, Handler>
  /** The next record of each log. */
  readonly positions: Map<string, number>
}

/** How bad everything is: shares of all tries. */
export interface Weather {
  readonly faults: number
}

/** What came of a try to do something; undefined when there was nothing to do. */
export type Did = string | undefined

export interface Bus {
  /** Sends events of one key of an outbox. */
  relay(db: Database, weather: Weather): Did
  /** A paused relay wakes up and repeats an old batch. */
  repeat(): Did
  /** Hands one record to a consumer. */
  deliver(consumer: Consumer, weather: Weather): Did
}

/** Makes a consumer of a database. */
export function createConsumer(db: Database, handlers: readonly Handler[]): Consumer {
  return {
    db,
    handlers: new Map(handlers.map(handler => [handler.type, handler])),
    positions: new Map(),
  }
}

const batchMax = 3

/** An empty bus. */
export function createBus(world: World): Bus {
  const { random, sabotage } = world
  const logs = new Map<string, Sent[]>()
  const paused: Sent[][] = []

  function append(events: readonly Sent[]): void {
    for (const event of events) {
      const name = `${event.topic} ${event.key}`
      const log = logs.get(name)
      if (log === undefined) logs.set(name, [event])
      else log.push(event)
    }
  }

  function relay(db: Database, { faults }: Weather): Did {
    if (db.outbox.size === 0) return undefined
    const key = random.pick([...new Set([...db.outbox.values()].map(event => event.key))])
    const rows = [...db.outbox].filter(([, event]) => event.key === key)
    const batch = rows.slice(0, 1 + random.below(batchMax))
    const events = batch.map(([, event]) => event)
    const what = `${db.name}: relay sends ${events.map(nameOf).join(', ')}`
    if (random.chance(faults)) return `${what}: lost`
    const isSwallowed = sabotage === 'lost_event' && random.chance(0.02)
    if (!isSwallowed) append(events)
    if (random.chance(faults)) return `${what}: no acknowledgement`
    if (random.chance(faults)) paused.push(events)
    for (const [seq] of batch) db.outbox.delete(seq)
    return isSwallowed ? `${what}: swallowed` : what
  }

  function repeat(): Did {
    const batch = paused.shift()
    if (batch === undefined) return undefined
    append(batch)
    return `a paused relay repeats ${batch.map(nameOf).join(', ')}`
  }

  function deliver(consumer: Consumer, { faults }: Weather): Did {
    const { db, handlers, positions } = consumer
    const behind = [...logs].filter(([name, log]) => (positions.get(name) ?? 0) < log.length)
    if (behind.length === 0) return undefined
    const [name, log] = random.pick(behind)
    const position = positions.get(name) ?? 0
    const event = log[position]
    const handler = handlers.get(event?.type ?? '')
    if (event === undefined || handler === undefined) {
      positions.set(name, position + 1)
      return 'skip'
    }
    const what = `${db.name} hears ${nameOf(event)}`
    const isCrash = random.chance(faults)
    let isKnown = false
    db.transaction(isCrash ? 'crash' : 'commit', tx => {
      isKnown = db.inbox.has(event.id)
      if (isKnown && sabotage !== 'no_inbox') return
      if (!isKnown) requireNoGap(db, event)
      tx.put(db.inbox, event.id, true)
      tx.put(db.inbox, positionKey(event), true)
      handler.handle(tx, event)
    })
    // Whoever takes over begins at the last offset that was committed, perhaps a few records before.
    const isOffsetLost = isCrash || random.chance(faults)
    const rewound = Math.max(0, position - random.below(batchMax))
    positions.set(name, isOffsetLost ? rewound : position + 1)
    const suffix = isCrash ? ': dies before its commit' : isOffsetLost ? ': its offset is lost' : ''
    return `${what}${isKnown ? ' again' : ''}${suffix}`
  }

  /** What the service hears of a key, skipping types that it does not handle, has no gap. */
  function requireNoGap(db: Database, event: Sent): void {
    const log = logs.get(`${event.topic} ${event.key}`) ?? []
    const first = log.find(({ version }) => version === event.version - 1)
    must(event.version === 1 || first !== undefined, `bus: a gap before ${nameOf(event)}`)
    const isLate = db.inbox.has(positionKey({ ...event, version: event.version + 1 }))
    must(!isLate, `bus: ${nameOf(event)} comes after its successor`)
  }

  return { relay, repeat, deliver }
}

function positionKey({ topic, key, version }: Sent): string {
  return `${topic} ${key} ${version}`
}

function nameOf({ type, key, version }: Sent): string {
  return `${type.split('.')[1] ?? type} of ${short(key)} v${version}`
}
