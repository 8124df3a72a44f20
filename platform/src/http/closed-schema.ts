/** Keywords whose values are data, not schemas. */
const dataKeywords = new Set(['const', 'default', 'enum', 'example', 'examples', 'required'])

/**
 * A copy of an input schema in which every object refuses unknown members, unless it says otherwise.
 *
 * Parts of an intersection stay as they are: each would refuse what the others allow.
 */
export function closedSchema(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closedSchema)
  if (typeof schema !== 'object' || schema === null) return schema
  const copy: Record<string, unknown> = {}
  for (const [keyword, value] of Object.entries(schema)) {
    const isKept = dataKeywords.has(keyword) || keyword === 'allOf'
    copy[keyword] = isKept ? value : closedSchema(value)
  }
  if (copy['type'] === 'object' && !('additionalProperties' in copy)) {
    copy['additionalProperties'] = false
  }
  return copy
}

/** The schema of a query string for a route that takes none. */
export const emptyQuery = { type: 'object', properties: {}, additionalProperties: false }
