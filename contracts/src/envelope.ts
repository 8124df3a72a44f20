import { createHash } from 'node:crypto'
import { type Static, type TObject, type TSchema } from 'typebox'

/**
 * One kind of event: its schema is the type, its example serves tests and docs.
 *
 * A `minor` may add optional fields only; anything else is a new `.v2` type (docs/events.md).
 */
export interface EventKind {
  /** `<service>.<noun>_<past_participle>.v<major>`. */
  readonly type: string
  /** Revision inside the major version, from 0. */
  readonly minor: number
  readonly topic: string
  /** Kind of thing that the event is about; the record key is `<aggregate>:<id>`. */
  readonly aggregate: string
  readonly schema: TObject
  readonly example: unknown
  /** Its topic keeps only the last value of a key, so versions have gaps there. */
  readonly isCompacted?: boolean
  /** How an older major version of the same fact is read as this one. */
  readonly upcast?: Upcast
}

/**
 * Turns a payload of an older major version into one of the newer. Consumers ship it first, then the
 * producer switches; no fact is published twice.
 */
export interface Upcast {
  readonly from: EventKind
  /** @param data meets the schema of `from`; the result must meet the schema of the newer kind */
  up(data: unknown): unknown
}

/** A kind of event together with the type of its payload. */
export interface EventDefinition<Schema extends TObject = TObject> extends EventKind {
  readonly schema: Schema
  readonly example: Static<Schema>
  /** A fact of this kind, ready for `emit`. */
  of(data: Static<Schema>): NewEvent
}

/** An event that has not been emitted: what happened, to whom. */
export interface NewEvent {
  readonly definition: EventKind
  /** Id of the aggregate. */
  readonly subject: string
  /** null is the tombstone of a compacted topic. */
  readonly data: object | null
}

/** An event as a consumer sees it. */
export interface Event<Data = unknown> {
  /** UUIDv7 of the moment of `emit`, unique in the mesh. */
  readonly id: string
  readonly type: string
  readonly subject: string
  /** `<aggregate>:<id>`, the record key. */
  readonly key: string
  /** 1, 2, 3 … gapless per topic and key. */
  readonly version: number
  readonly time: Date
  readonly correlationId: string
  readonly causationId: string
  readonly actor: string
  readonly traceparent: string
  readonly replayId?: string
  readonly data: Data
}

/** Header names of the envelope. CloudEvents 1.0, Kafka binary mode. */
export const header = {
  specVersion: 'ce_specversion',
  id: 'ce_id',
  type: 'ce_type',
  source: 'ce_source',
  subject: 'ce_subject',
  time: 'ce_time',
  key: 'ce_partitionkey',
  version: 'ce_aggregateversion',
  correlationId: 'ce_correlationid',
  causationId: 'ce_causationid',
  actor: 'ce_actor',
  schema: 'ce_dataschema',
  replayId: 'ce_replayid',
  traceparent: 'traceparent',
  contentType: 'content-type',
} as const

/** Largest payload of an event, in bytes of JSON; larger content goes to object storage. */
export const payloadBytesMax = 256 * 1024

/** Topic of a type: `campus.<service>`. */
export function topicOf(type: string): string {
  return `campus.${type.slice(0, type.indexOf('.'))}`
}

/**
 * Declares one kind of event.
 *
 * @param declaration.subject name of the field that holds the aggregate's id
 */
export function defineEvent<const Schema extends TObject>(declaration: {
  readonly type: string
  readonly aggregate: string
  readonly subject: string & keyof Static<Schema>
  readonly schema: Schema
  readonly example: Static<Schema>
  readonly minor?: number
  readonly topic?: string
  readonly isCompacted?: boolean
  readonly upcast?: Upcast
}): EventDefinition<Schema> {
  const definition: EventDefinition<Schema> = {
    type: declaration.type,
    minor: declaration.minor ?? 0,
    topic: declaration.topic ?? topicOf(declaration.type),
    aggregate: declaration.aggregate,
    schema: declaration.schema,
    example: declaration.example,
    ...(declaration.isCompacted !== undefined && { isCompacted: declaration.isCompacted }),
    ...(declaration.upcast !== undefined && { upcast: declaration.upcast }),
    of: data => ({
      definition,
      subject: String(Reflect.get(Object(data), declaration.subject)),
      data: Object(data),
    }),
  }
  return definition
}

/**
 * Says how a fact of an older kind is read as one of a newer kind.
 *
 * @param convert gets a payload that meets the schema of `from`
 */
export function upcast<From extends TObject, To extends TObject>(
  from: EventDefinition<From>,
  convert: (data: Static<From>) => Static<To>,
): Upcast {
  return {
    from,
    // The payload has been checked against the schema of `from` before.
    // oxlint-disable-next-line no-unsafe-type-assertion
    up: data => convert(data as Static<From>),
  }
}

/** The kinds that a reader of `kind` understands: itself, then the older ones it is upcast from. */
export function readableKinds(kind: EventKind): EventKind[] {
  return kind.upcast === undefined ? [kind] : [kind, ...readableKinds(kind.upcast.from)]
}

/** Erases the value of `subject` on a compacted topic. */
export function tombstone(definition: EventKind, subject: string): NewEvent {
  return { definition, subject, data: null }
}

/** `urn:campus:schema:<type>:<major>.<minor>:<16 hex of the schema's sha256>`. */
export function dataSchemaOf({ type, minor, schema }: EventKind): string {
  const { name, major } = splitType(type)
  const hash = createHash('sha256').update(JSON.stringify(schema)).digest('hex').slice(0, 16)
  return `urn:campus:schema:${name}:${major}.${minor}:${hash}`
}

/** `orders.order_placed.v1` → `{ name: 'orders.order_placed', major: 1 }`. */
export function splitType(type: string): { readonly name: string; readonly major: number } {
  const match = /^([a-z]+\.[a-z_]+)\.v(\d+)$/.exec(type)
  if (match === null) throw new Error(`${type} is not an event type.`)
  return { name: String(match[1]), major: Number(match[2]) }
}

/** The same schema without room for unknown fields, at any depth: what a producer must meet. */
export function closed(schema: TSchema): TSchema {
  return Object(close(structuredClone(schema)))
}

function close(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(close)
  if (typeof node !== 'object' || node === null) return node
  const copy: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(node)) copy[name] = close(value)
  if (copy['type'] === 'object' && 'properties' in copy) copy['additionalProperties'] = false
  return copy
}
