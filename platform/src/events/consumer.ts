import type { Event, EventDefinition, EventKind } from '@campus/contracts/envelope'
import type { Static, TObject } from 'typebox'
import type { Tx } from '../data/postgres.ts'

/** What a handler is given. It writes state, events and effects through `tx` and nothing else. */
export interface Handling<Data> {
  readonly event: Event<Data>
  /** The transaction that also holds the inbox row: both happen or neither. */
  readonly tx: Tx
  readonly now: Date
  /** Fires at the deadline of the event. */
  readonly signal: AbortSignal
}

/** One kind of event together with what a consumer does about it. */
export interface Handler {
  readonly kind: EventKind
  handle(handling: Handling<unknown>): Promise<void>
}

/**
 * A consumer: the unit of inbox, parking, metrics and replay.
 *
 * A `projection` only copies what it hears and can be rebuilt; a `process` acts on it.
 */
export interface ConsumerDefinition {
  /** `<service>.<slice>`. */
  readonly name: string
  readonly kind: 'projection' | 'process'
  /**
   * Consumer group of its own, `campus.<service>.<group>`; the service's group when absent. A consumer
   * that is added to a running service needs one, and a slow one should have one.
   */
  readonly group?: string
  /** What a new consumer does about the past: build state from it, or begin with the present. */
  readonly onBootstrap: 'replay' | 'live'
  readonly handlers: readonly Handler[]
}

/** Binds a handler to the kind of event it hears; the payload is validated before it is called. */
export function on<Schema extends TObject>(
  definition: EventDefinition<Schema>,
  handle: (handling: Handling<Static<Schema>>) => Promise<void>,
): Handler {
  return {
    kind: definition,
    // The runtime has checked the payload against this definition's schema.
    // oxlint-disable-next-line no-unsafe-type-assertion
    handle: handling => handle(handling as Handling<Static<Schema>>),
  }
}

/** Declares a consumer. @throws when two handlers hear the same kind of event */
export function defineConsumer(definition: ConsumerDefinition): ConsumerDefinition {
  const keys = definition.handlers.map(({ kind }) => `${kind.topic} ${kind.type} ${kind.aggregate}`)
  if (new Set(keys).size !== keys.length) {
    throw new Error(`${definition.name} hears one kind of event twice.`)
  }
  return definition
}
