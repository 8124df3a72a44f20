import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'tap'
import { Type } from 'typebox'
import { Check } from 'typebox/value'
import { incompatibilities } from '../compatibility.ts'
import { closed, type EventKind, splitType, topicOf } from '../envelope.ts'
import { topics } from '../topics.ts'
import { everyEvent } from './all.ts'

const folder = join(import.meta.dirname, '../../schemas')

/** `schemas/<service>.<name>[.<aggregate>]/<major>.<minor>.json`. */
function frozenFile(kind: EventKind): string {
  const { name, major } = splitType(kind.type)
  const isShared = everyEvent.filter(({ type }) => type === kind.type).length > 1
  const directory = isShared ? `${name}.${kind.aggregate}` : name
  return join(folder, directory, `${major}.${kind.minor}.json`)
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
    const file = frozenFile(kind)
    const text = `${JSON.stringify(kind.schema, null, 2)}\n`
    if (!existsSync(file) && process.env['CAMPUS_UPDATE'] === '1') {
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

test('removing, requiring, loosening or retyping a field is no compatible change; adding one is', async t => {
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

function plain(schema: object) {
  return JSON.parse(JSON.stringify(schema))
}
