import type { JsonSchema } from './json-schema.ts'

/** Values for fields whose schema alone would give a poor example. */
const byName: Readonly<Record<string, unknown>> = {
  email: 'you@campus.example',
  name: 'Your Name',
  password: 'correct horse battery staple',
  currentPassword: 'the present password',
  title: 'Campus mug',
  slug: 'campus-mug-2',
  sku: 'CAMPUS-MUG-2',
  label: 'blue',
  description: 'Holds 300 ml.',
  reason: 'damaged in the warehouse',
  locale: 'en',
  currency: 'EUR',
  amount: 1_290,
  quantity: 1,
  delta: 10,
  token: 'token-of-the-mail',
  refreshToken: 'refresh-token-of-the-login',
  secret: 'first-admin-secret-of-the-mesh',
  trackingCode: 'TRACK-1',
}

/** Values for the patterns that our schemas use. */
const byPattern: readonly (readonly [start: string, value: string])[] = [
  ['^tok_', 'tok_ok'],
  ['^[a-z]{2,3}(-', 'en'],
  ['^[A-Z]{3}$', 'EUR'],
  ['^[A-Z]{2}$', 'DE'],
  ['^\\d{4}-\\d{2}-\\d{2}T', '2026-01-01T00:00:00.000Z'],
  ['^[a-z0-9]+(-', 'an-example'],
]

/** The pattern of ids begins like this. */
const idPattern = '^[0-9a-f]{8}-'

/**
 * A value that meets a schema, with what is required and no more.
 *
 * @param variable names the variable that stands for an id, e.g. `categoryId` → `{{categoryId}}`
 */
export function exampleOf(
  schema: JsonSchema,
  variable: (name: string) => string,
  name = '',
): unknown {
  const [given] = schema.examples ?? []
  if (given !== undefined) return given
  if (schema.default !== undefined) return schema.default
  if (schema.enum !== undefined) return schema.enum[0]
  if (schema.const !== undefined) return schema.const
  if (schema.anyOf !== undefined) return exampleOf(schema.anyOf[0] ?? {}, variable, name)
  const { type } = schema
  if (type === 'object') return objectExample(schema, variable)
  if (type === 'array') return [exampleOf(schema.items ?? {}, variable, name.replace(/s$/, ''))]
  if (type === 'string') return stringExample(schema, variable, name)
  if (type === 'boolean') return true
  if (type === 'integer' || type === 'number') {
    return fitting(byName[name], schema) ?? Math.max(schema.minimum ?? 1, 1)
  }
  return null
}

function objectExample(schema: JsonSchema, variable: (name: string) => string): object {
  const { properties = {}, required = [] } = schema
  // A change of nothing shows nothing: where all is optional, all is shown.
  const names = required.length > 0 ? required : Object.keys(properties)
  return Object.fromEntries(
    names.map(field => [field, exampleOf(properties[field] ?? {}, variable, field)]),
  )
}

function stringExample(
  schema: JsonSchema,
  variable: (name: string) => string,
  name: string,
): string {
  const { pattern, format, minLength = 0 } = schema
  if (pattern?.startsWith(idPattern) === true) return `{{${variable(name)}}}`
  if (format === 'date-time') return '2026-01-01T00:00:00.000Z'
  const known = byName[name]
  if (typeof known === 'string' && fits(known, schema)) return known
  const [, made] = byPattern.find(([start]) => pattern?.startsWith(start)) ?? []
  return made ?? 'text'.padEnd(minLength, '-')
}

function fits(value: string, { pattern, maxLength = Infinity }: JsonSchema): boolean {
  return (
    value.length <= maxLength && (pattern === undefined || new RegExp(pattern, 'u').test(value))
  )
}

function fitting(value: unknown, { minimum, maximum }: JsonSchema): number | undefined {
  if (typeof value !== 'number') return undefined
  return value >= (minimum ?? value) && value <= (maximum ?? value) ? value : undefined
}
