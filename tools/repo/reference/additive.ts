// Inside /v1 the API only grows: a program that was written for the released document works with every
// later one. Requests may only be asked for less and accept more; answers may only tell more.
//
// What may happen: a new operation, a new optional field or value in a request, a new field in an answer,
// a new value of a list in an answer (clients must expect unknown ones), another status of an error.
import { type JsonSchema, valuesOf } from './json-schema.ts'
import {
  type Access,
  bodySchema,
  type OpenApi,
  type Operation,
  type OperationObject,
  operationsOf,
} from './open-api.ts'

/**
 * What a client of `released` would miss in `present`, a sentence each; empty when it misses nothing.
 */
export function breaks(released: OpenApi, present: OpenApi): string[] {
  const now = new Map(operationsOf(present).map(operation => [operation.name, operation.object]))
  return operationsOf(released).flatMap(({ name, object }) => {
    const newer = now.get(name)
    if (newer === undefined) return [`${name} was removed.`]
    return operationBreaks({ name, older: object, newer, released, present })
  })
}

interface Pair {
  readonly name: Operation['name']
  readonly older: OperationObject
  readonly newer: OperationObject
  readonly released: OpenApi
  readonly present: OpenApi
}

function operationBreaks({ name, older, newer, released, present }: Pair): string[] {
  const compare = (direction: Direction, at: string, from: JsonSchema, to: JsonSchema) =>
    schemaBreaks(
      { direction, olderRoot: released, newerRoot: present, depth: 0 },
      { at, older: from, newer: to },
    )
  return [
    ...accessBreaks(name, older['x-access'], newer['x-access']),
    ...parameterBreaks(name, older, newer, compare),
    ...bodyBreaks(name, older, newer, compare),
    ...responseBreaks(name, older, newer, compare),
  ]
}

type Compare = (direction: Direction, at: string, older: JsonSchema, newer: JsonSchema) => string[]

function accessBreaks(
  name: string,
  older: Access | undefined,
  newer: Access | undefined,
): string[] {
  if (JSON.stringify(older) === JSON.stringify(newer) || older === undefined) return []
  const order = ['user', 'optional', 'public']
  const rank = (access: Access | undefined) =>
    typeof access === 'string' ? order.indexOf(access) : -1
  if (typeof older === 'object' && typeof newer === 'object') {
    const lost = older.roles.filter(role => !newer.roles.includes(role))
    return lost.map(role => `${name}: the role ${role} may not call it any more.`)
  }
  return rank(newer) < rank(older) ? [`${name}: fewer people may call it.`] : []
}

function parameterBreaks(
  name: string,
  older: OperationObject,
  newer: OperationObject,
  compare: Compare,
): string[] {
  const [before, after] = [older.parameters ?? [], newer.parameters ?? []]
  const problems: string[] = []
  for (const one of before) {
    const at = `${name}: ${one.in} parameter ${one.name}`
    const now = after.find(other => other.name === one.name && other.in === one.in)
    if (now === undefined) problems.push(`${at} was removed.`)
    else problems.push(...compare('request', at, one.schema, now.schema))
  }
  for (const one of after.filter(({ required }) => required === true)) {
    const was = before.find(other => other.name === one.name && other.in === one.in)
    if (was?.required === true) continue
    const verb = was === undefined ? 'added as required' : 'made required'
    problems.push(`${name}: ${one.in} parameter ${one.name} was ${verb}.`)
  }
  return problems
}

function bodyBreaks(
  name: string,
  older: OperationObject,
  newer: OperationObject,
  compare: Compare,
): string[] {
  const [before, after] = [older.requestBody, newer.requestBody]
  if (before === undefined) {
    return after?.required === true ? [`${name}: a body was made required.`] : []
  }
  if (after === undefined) return [`${name}: the body was removed.`]
  const problems = Object.keys(before.content)
    .filter(type => after.content[type] === undefined)
    .map(type => `${name}: a body of ${type} is no longer accepted.`)
  if (after.required === true && before.required !== true) {
    problems.push(`${name}: the body was made required.`)
  }
  const at = `${name}: request`
  const [from, to] = [bodySchema(before.content), bodySchema(after.content)]
  return [...problems, ...(from && to ? compare('request', at, from, to) : [])]
}

function responseBreaks(
  name: string,
  older: OperationObject,
  newer: OperationObject,
  compare: Compare,
): string[] {
  return Object.entries(older.responses).flatMap(([status, { content }]) => {
    const now = newer.responses[status]
    // An error that cannot happen any more harms nobody.
    if (now === undefined)
      return status < '400' ? [`${name}: the answer ${status} was removed.`] : []
    const at = `${name}: answer ${status}`
    const lost = Object.keys(content ?? {}).filter(type => now.content?.[type] === undefined)
    const [from, to] = [bodySchema(content), bodySchema(now.content)]
    return [
      ...lost.map(type => `${at} is no longer ${type}.`),
      ...(from && to ? compare('answer', at, from, to) : []),
    ]
  })
}

type Direction = 'request' | 'answer'

interface Walk {
  readonly direction: Direction
  readonly olderRoot: OpenApi
  readonly newerRoot: OpenApi
  readonly depth: number
}

interface Place {
  readonly at: string
  readonly older: JsonSchema
  readonly newer: JsonSchema
}

/** Schemas may refer to themselves; nothing of ours is as deep as this. */
const depthMax = 12

function schemaBreaks(walk: Walk, place: Place): string[] {
  if (walk.depth > depthMax) return []
  const older = resolve(walk.olderRoot, place.older)
  const newer = resolve(walk.newerRoot, place.newer)
  const { at } = place
  if (JSON.stringify(older) === JSON.stringify(newer) && older.$ref === undefined) {
    // Equal texts may still refer to schemas that differ.
    if (!JSON.stringify(older).includes('$ref')) return []
  }
  const here: Place = { at, older, newer }
  const [before, after] = [valuesOf(older), valuesOf(newer)]
  if (before !== undefined) return valueBreaks(walk, at, before, after)
  if (older.anyOf !== undefined || newer.anyOf !== undefined) return unionBreaks(walk, here)
  return [
    ...typeBreaks(walk, here, after),
    ...(walk.direction === 'request' ? boundBreaks(here) : []),
    ...formatBreaks(walk, here),
    ...fieldBreaks(walk, here),
    ...innerBreaks(walk, here),
  ]
}

function resolve({ components }: OpenApi, schema: JsonSchema): JsonSchema {
  const name = schema.$ref?.split('/').at(-1)
  return name === undefined ? schema : (components?.schemas?.[name] ?? schema)
}

function deeper(walk: Walk): Walk {
  return { ...walk, depth: walk.depth + 1 }
}

function valueBreaks(
  { direction }: Walk,
  at: string,
  before: readonly unknown[],
  after: readonly unknown[] | undefined,
): string[] {
  // An answer may get new values; a request must go on taking the old ones.
  if (after === undefined || direction === 'answer') return []
  return before
    .filter(value => !after.includes(value))
    .map(value => `${at} no longer takes ${JSON.stringify(value)}.`)
}

function typeBreaks(
  { direction }: Walk,
  { at, older, newer }: Place,
  values: readonly unknown[] | undefined,
): string[] {
  if (values !== undefined) {
    return direction === 'request' ? [`${at} takes only some values now.`] : []
  }
  const [before, after] = [typesOf(older), typesOf(newer)]
  if (before.length === 0 && after.length === 0) return []
  const [less, more] = direction === 'request' ? [before, after] : [after, before]
  const isFine = more.length === 0 || (less.length > 0 && less.every(type => covers(more, type)))
  return isFine ? [] : [`${at} was ${before.join(' or ')} and is ${after.join(' or ')}.`]
}

function typesOf({ type }: JsonSchema): string[] {
  return type === undefined ? [] : [type].flat()
}

function covers(types: readonly string[], type: string): boolean {
  return types.includes(type) || (type === 'integer' && types.includes('number'))
}

const lowerBounds = ['minimum', 'minLength', 'minItems'] as const
const upperBounds = ['maximum', 'maxLength', 'maxItems'] as const

function boundBreaks({ at, older, newer }: Place): string[] {
  return [
    ...lowerBounds
      .filter(bound => (newer[bound] ?? -Infinity) > (older[bound] ?? -Infinity))
      .map(bound => `${at}: ${bound} was raised to ${newer[bound]}.`),
    ...upperBounds
      .filter(bound => (newer[bound] ?? Infinity) < (older[bound] ?? Infinity))
      .map(bound => `${at}: ${bound} was lowered to ${newer[bound]}.`),
  ]
}

function formatBreaks({ direction }: Walk, { at, older, newer }: Place): string[] {
  return (['format', 'pattern'] as const)
    .filter(name => older[name] !== newer[name])
    .filter(name => (direction === 'request' ? newer[name] : older[name]) !== undefined)
    .map(name => `${at}: its ${name} has changed.`)
}

function fieldBreaks(walk: Walk, { at, older, newer }: Place): string[] {
  const [before, after] = [older.properties ?? {}, newer.properties ?? {}]
  const isRequest = walk.direction === 'request'
  const problems: string[] = []
  for (const [name, schema] of Object.entries(before)) {
    const now = after[name]
    const field = `${at}/${name}`
    if (now === undefined) problems.push(`${field} was removed.`)
    else problems.push(...schemaBreaks(deeper(walk), { at: field, older: schema, newer: now }))
  }
  const [was, is] = [older.required ?? [], newer.required ?? []]
  for (const name of is.filter(one => isRequest && !was.includes(one))) {
    problems.push(`${at}/${name} was ${name in before ? 'made' : 'added as'} required.`)
  }
  for (const name of was.filter(one => !isRequest && !is.includes(one) && one in after)) {
    problems.push(`${at}/${name} may be absent now.`)
  }
  return problems
}

function innerBreaks(walk: Walk, { at, older, newer }: Place): string[] {
  const problems: string[] = []
  if (older.items && newer.items) {
    const items: Place = { at: `${at}/*`, older: older.items, newer: newer.items }
    problems.push(...schemaBreaks(deeper(walk), items))
  }
  const [before, after] = [older.additionalProperties, newer.additionalProperties]
  if (typeof before === 'object' && typeof after === 'object') {
    problems.push(...schemaBreaks(deeper(walk), { at: `${at}/*`, older: before, newer: after }))
  } else if (walk.direction === 'request' && before !== false && after === false) {
    problems.push(`${at} no longer takes unknown fields.`)
  }
  return problems
}

/** Each alternative that there was must still be there: of a request taken, of an answer known. */
function unionBreaks(walk: Walk, { at, older, newer }: Place): string[] {
  const before = older.anyOf ?? [older]
  const after = newer.anyOf ?? [newer]
  const [wanted, offered] = walk.direction === 'request' ? [before, after] : [after, before]
  const isAnswer = walk.direction === 'answer'
  return wanted.flatMap((one, i) => {
    const attempts = offered.map(other =>
      schemaBreaks(deeper(walk), {
        at,
        older: isAnswer ? other : one,
        newer: isAnswer ? one : other,
      }),
    )
    if (attempts.some(problems => problems.length === 0)) return []
    // A new kind of answer is one that clients must expect.
    if (isAnswer && after.length > before.length) return []
    return attempts[i] ?? attempts[0] ?? []
  })
}
