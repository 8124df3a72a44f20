import type { Json } from '../prove/client.ts'
import type { World } from './world.ts'

/** What is changed of an operation. */
interface Operation {
  readonly parameters?: { readonly name: string; example?: string; examples?: object }[]
  readonly requestBody?: { readonly content: Readonly<Record<string, { example?: object }>> }
}

/** The operations of an OpenAPI document, e.g. `GET /v1/products`. */
export function operationsOf(document: Json): string[] {
  return Object.entries<object>(document.paths).flatMap(([path, item]) =>
    Object.keys(item).map(method => `${method.toUpperCase()} ${path}`),
  )
}

/**
 * An OpenAPI document whose examples are things of a world.
 *
 * Python has no names for classes of characters: the one that we use is written out.
 */
export function documentWith(document: Json, { parameters = {}, operations = {} }: Partial<World>) {
  const copy = structuredClone(document)
  for (const [path, item] of Object.entries<Record<string, Operation>>(copy.paths)) {
    for (const [method, operation] of Object.entries(item)) {
      const own = operations[`${method.toUpperCase()} ${path}`]
      for (const parameter of operation.parameters ?? []) {
        const value = own?.parameters?.[parameter.name] ?? parameters[parameter.name]
        if (value === undefined) continue
        parameter.example = value
        delete parameter.examples
      }
      const content = operation.requestBody?.content['application/json']
      if (content !== undefined && own?.body !== undefined) content.example = own.body
    }
  }
  return JSON.stringify(copy).replaceAll('\\\\p{Cc}', '\\\\x00-\\\\x1f\\\\x7f-\\\\x9f')
}
