/** The parts of a JSON schema that our schemas use. */
export interface JsonSchema {
  readonly $ref?: string
  readonly $defs?: Readonly<Record<string, JsonSchema>>
  readonly type?: string | readonly string[]
  readonly description?: string
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly patternProperties?: Readonly<Record<string, JsonSchema>>
  readonly required?: readonly string[]
  readonly additionalProperties?: boolean | JsonSchema
  readonly items?: JsonSchema
  readonly anyOf?: readonly JsonSchema[]
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly default?: unknown
  readonly examples?: readonly unknown[]
  readonly format?: string
  readonly pattern?: string
  readonly minLength?: number
  readonly maxLength?: number
  readonly minimum?: number
  readonly maximum?: number
  readonly minItems?: number
  readonly maxItems?: number
}

/** The only values that a schema allows, if it lists them. */
export function valuesOf(schema: JsonSchema): readonly unknown[] | undefined {
  if (schema.enum !== undefined) return schema.enum
  if ('const' in schema) return [schema.const]
  const branches = schema.anyOf?.map(valuesOf)
  if (branches === undefined) return schema.type === 'null' ? [null] : undefined
  return branches.every(branch => branch !== undefined) ? branches.flat() : undefined
}

/** A schema in a few words: `integer`, `` `student` or `admin` ``, `list of { lineNo, quantity }`. */
export function describeType(schema: JsonSchema): string {
  const values = valuesOf(schema)
  if (values !== undefined) return values.map(value => `\`${String(value)}\``).join(' or ')
  if (schema.anyOf !== undefined) return schema.anyOf.map(describeType).join(' or ')
  if (schema.type === 'array') return `list of ${describeType(schema.items ?? {})}`
  if (schema.type === 'object') {
    const names = Object.entries(schema.properties ?? {}).map(([name, field]) => {
      const isOptional = schema.required?.includes(name) !== true
      return `${name}${isOptional ? '?' : ''}: ${describeType(field)}`
    })
    return names.length === 0 ? 'object' : `{ ${names.join(', ')} }`
  }
  const type = [schema.type ?? 'anything'].flat().join(' or ')
  return schema.format === undefined ? type : `${type} (${schema.format})`
}
