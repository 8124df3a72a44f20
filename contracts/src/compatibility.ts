// Inside a major version an event may only gain optional fields: whoever reads the newest schema must
// be able to read everything ever published under an older one, because a replay reads all of it.

interface Schema {
  readonly type?: string
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly items?: Schema
  readonly anyOf?: readonly Schema[]
  readonly const?: unknown
  readonly [keyword: string]: unknown
}

/** Keywords that say nothing about what is valid. */
const annotations = new Set(['description', 'title', 'examples', 'default', '$id', '$comment'])
const structural = new Set(['properties', 'required', 'items', 'anyOf', 'additionalProperties'])

/**
 * Why data that met `older` may not meet `newer`, a sentence each; empty when it always does and the
 * newer schema promises its readers nothing less.
 */
export function incompatibilities(older: Schema, newer: Schema, at = '#'): string[] {
  return [
    ...keywordProblems(older, newer, at),
    ...propertyProblems(older, newer, at),
    ...(older.items && newer.items
      ? incompatibilities(older.items, newer.items, `${at}/items`)
      : []),
    ...unionProblems(older, newer, at),
  ]
}

function keywordProblems(older: Schema, newer: Schema, at: string): string[] {
  const names = new Set([...Object.keys(older), ...Object.keys(newer)])
  return [...names]
    .filter(name => !annotations.has(name) && !structural.has(name))
    .filter(name => JSON.stringify(older[name]) !== JSON.stringify(newer[name]))
    .map(name => `${at}: ${name} has changed.`)
}

function propertyProblems(older: Schema, newer: Schema, at: string): string[] {
  const [before, after] = [older.properties ?? {}, newer.properties ?? {}]
  const required = new Set(older.required)
  const problems: string[] = []
  for (const [name, schema] of Object.entries(before)) {
    const place = `${at}/${name}`
    const now = after[name]
    if (now === undefined) problems.push(`${place} was removed.`)
    else problems.push(...incompatibilities(schema, now, place))
  }
  for (const name of newer.required ?? []) {
    if (!required.has(name)) problems.push(`${at}/${name} was made required.`)
  }
  for (const name of required) {
    if (newer.required?.includes(name) !== true) problems.push(`${at}/${name} was made optional.`)
  }
  return problems
}

function unionProblems(older: Schema, newer: Schema, at: string): string[] {
  if (older.anyOf === undefined && newer.anyOf === undefined) return []
  const known = (newer.anyOf ?? []).map(one => JSON.stringify(one))
  const removed = (older.anyOf ?? []).filter(one => !known.includes(JSON.stringify(one)))
  // A reader of the older schema has no answer for a value it does not know.
  const added = known.length > (older.anyOf ?? []).length
  return [
    ...removed.map(one => `${at}: ${JSON.stringify(one.const ?? one)} is no longer allowed.`),
    ...(added ? [`${at}: a value was added to a closed list.`] : []),
  ]
}
