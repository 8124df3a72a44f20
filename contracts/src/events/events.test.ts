import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'tap'
import { type TObject, Type } from 'typebox'
import { Check } from 'typebox/value'
import { incompatibilities } from '../compatibility.ts'
import {
  closed,
  dataSchemaOf,
  type EventKind,
  header,
  readableKinds,
  splitType,
  topicOf,
} from '../envelope.ts'
import { topics } from '../topics.ts'
import { everyEvent } from './all.ts'

const isUpdating = process.env['CAMPUS_UPDATE'] === '1'

/** `<room>/<service>.<name>[.<aggregate>]/<major>.<minor>.json`. */
function frozenFile(room: 'schemas' | 'corpus', kind: EventKind): string {
  const { name, major } = splitType(kind.type)
  const isShared = everyEvent.filter(({ type }) => type === kind.type).length > 1
  const directory = isShared ? `${name}.${kind.aggregate}` : name
  return join(import.meta.dirname, '../..', room, directory, `${major}.${kind.minor}.json`)
}

/** All minors of the kind's major version that were released, with their schemas. */
function releasedMinors(kind: EventKind): EventKind[] {
  const directory = dirname(frozenFile('schemas', kind))
  const { major } = splitType(kind.type)
  return readdirSync(directory)
    .filter(name => name.startsWith(`${major}.`))
    .map(name => {
      const schema: TObject = JSON.parse(readFileSync(join(directory, name), 'utf8'))
      return { ...kind, minor: Number(name.split('.')[1]), schema }
    })
}

test('the example of every event meets its closed schema', async t => {
  for (const { type, schema, example } of everyEvent) t.ok(Check(closed(schema), example), type)
})

test('every event has a name of its own, on a topic that exists', async t => {
  const names = everyEvent.map(({ type, aggregate }) => `${type} ${aggregate}`)
  t.equal(new Set(names).size, names.length)
  for (const { type, topic } of everyEvent) {
    t.match(type, /^[a-z]+\.[a-z]+(_[a-z]+)*_[a-z]+(ed|rejected|stuck)\.v\d+$|_stuck\.v1$/, type)
    t.ok(
      topics.some(({ name }) => name === topic),
      `${type} on ${topic}`,
    )
    t.ok(topic.startsWith(topicOf(type)), `${type} is published by its own service`)
  }
})

test('what was released of an event is frozen, and later revisions are compatible with all of it', async t => {
  for (const kind of everyEvent) {
    const file = frozenFile('schemas', kind)
    const text = `${JSON.stringify(kind.schema, null, 2)}\n`
    if (!existsSync(file) && isUpdating) {
      mkdirSync(dirname(file), { recursive: true })
      writeFileSync(file, text)
    }
    t.ok(existsSync(file), `${kind.type} is frozen: npm run docs`)
    if (!existsSync(file)) continue
    t.equal(readFileSync(file, 'utf8'), text, `${kind.type} is what it was: raise its minor`)
    const { major } = splitType(kind.type)
    for (const one of readdirSync(dirname(file))) {
      if (!one.startsWith(`${major}.`)) continue
      const older = JSON.parse(readFileSync(join(dirname(file), one), 'utf8'))
      t.same(incompatibilities(older, JSON.parse(text)), [], `${kind.type} after ${one}`)
    }
  }
})

test('a record of every released revision is kept, and whoever reads the newest one reads all of them', async t => {
  for (const kind of everyEvent) {
    for (const released of releasedMinors(kind)) {
      const file = frozenFile('corpus', released)
      // What was released once is never written again: it is what old topics hold.
      if (!existsSync(file) && isUpdating) {
        mkdirSync(dirname(file), { recursive: true })
        writeFileSync(file, `${JSON.stringify(recordOf(released), null, 2)}\n`)
      }
      t.ok(existsSync(file), `${kind.type} ${released.minor} has a record: npm run docs`)
      if (!existsSync(file)) continue
      const { value } = JSON.parse(readFileSync(file, 'utf8'))
      t.ok(Check(closed(released.schema), value), `${file} meets what was released`)
      for (const reader of everyEvent.filter(one => readableKinds(one).includes(kind))) {
        t.ok(Check(reader.schema, upcasted(reader, kind, value)), `${reader.type} reads ${file}`)
      }
    }
  }
})

/** A record as it would lie on the topic. */
function recordOf(kind: EventKind) {
  const { type, aggregate, topic, example } = kind
  const id = '0193a1c0-0000-7000-8000-0000000000ff'
  const subject = '0193a1c0-0000-7000-8000-000000000021'
  const key = `${aggregate}:${subject}`
  const headers = {
    [header.specVersion]: '1.0',
    [header.id]: id,
    [header.type]: type,
    [header.source]: `/campus/${type.slice(0, type.indexOf('.'))}`,
    [header.time]: '2026-01-01T00:00:00.000Z',
    [header.subject]: subject,
    [header.key]: key,
    [header.version]: '1',
    [header.correlationId]: id,
    [header.causationId]: id,
    [header.actor]: 'service:corpus',
    [header.schema]: dataSchemaOf(kind),
    [header.traceparent]: '00-00000000000000000000000000000001-0000000000000001-01',
    [header.contentType]: 'application/json',
  }
  return { topic, key, headers, value: example }
}

/** A payload of `kind` as a reader of `reader` gets it. */
function upcasted(reader: EventKind, kind: EventKind, value: unknown): unknown {
  return reader === kind || reader.upcast === undefined
    ? value
    : reader.upcast.up(upcasted(reader.upcast.from, kind, value))
}

test('F14: removing, requiring, loosening or retyping a field is no compatible change; adding one is', async t => {
  const base = { a: Type.String({ maxLength: 5 }), b: Type.Optional(Type.Integer()) }
  const kind = Type.Union([Type.Literal('x'), Type.Literal('y')])
  const older = Type.Object({ ...base, kind })
  const changes = {
    removed: Type.Object({ b: base.b, kind }),
    required: Type.Object({ ...base, b: Type.Integer(), kind }),
    optional: Type.Object({ ...base, a: Type.Optional(base.a), kind }),
    retyped: Type.Object({ ...base, a: Type.Integer(), kind }),
    shorter: Type.Object({ ...base, a: Type.String({ maxLength: 4 }), kind }),
    format: Type.Object({ ...base, a: Type.String({ maxLength: 5, format: 'email' }), kind }),
    narrowed: Type.Object({ ...base, kind: Type.Union([Type.Literal('x')]) }),
    widened: Type.Object({
      ...base,
      kind: Type.Union([Type.Literal('x'), Type.Literal('y'), Type.Literal('z')]),
    }),
  }
  for (const [name, newer] of Object.entries(changes)) {
    t.not(incompatibilities(plain(older), plain(newer)).length, 0, name)
  }
  const added = Type.Object({ ...base, kind, c: Type.Optional(Type.String()) })
  t.same(incompatibilities(plain(older), plain(added)), [])
})

test('F14: each such change of each event of ours is found, wherever in the payload it is', async t => {
  for (const { type, schema } of everyEvent) {
    const older = plain(schema)
    for (const [name, newer] of mutationsOf(older)) {
      t.not(incompatibilities(older, newer).length, 0, `${type}: ${name}`)
    }
  }
})

/** Copies of a schema with one thing changed: a field removed or required, a list or a format changed. */
function mutationsOf(schema: object): [string, Schema][] {
  const mutations: [string, Schema][] = []
  const mutate = (name: string, path: readonly string[], change: (node: Node) => void) => {
    const copy = plain(schema)
    change(path.reduce((node, step) => Object(node[step]), copy))
    mutations.push([`${name} at ${path.join('/')}`, copy])
  }
  const visit = (node: Node, path: readonly string[]) => {
    const required = Array.isArray(node['required']) ? node['required'] : []
    const properties = Object(node['properties'])
    for (const field of Object.keys(properties)) {
      mutate(`${field} removed`, path, one => delete Object(one['properties'])[field])
      if (!required.includes(field)) {
        mutate(`${field} required`, path, one => {
          one['required'] = [...required, field]
        })
      }
      visit(Object(properties[field]), [...path, 'properties', field])
    }
    if (Array.isArray(node['anyOf'])) {
      mutate('value removed', path, one => Object(one['anyOf']).pop())
      mutate('value added', path, one => Object(one['anyOf']).push({ const: 'new' }))
    }
    if (typeof node['items'] === 'object') visit(Object(node['items']), [...path, 'items'])
    if (node['type'] === 'string') {
      mutate('format changed', path, one => {
        one['format'] = 'hostname'
      })
    }
  }
  visit(plain(schema), [])
  return mutations
}

type Schema = Parameters<typeof incompatibilities>[0]
type Node = Record<string, unknown>

function plain(schema: object) {
  return JSON.parse(JSON.stringify(schema))
}
