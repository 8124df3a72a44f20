import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../../local/services.ts'
import type { JsonSchema } from './json-schema.ts'

/** The parts of our OpenAPI documents that tools read. */
export interface OpenApi {
  readonly paths: Readonly<Record<string, Readonly<Record<string, OperationObject>>>>
  readonly components?: { readonly schemas?: Readonly<Record<string, JsonSchema>> }
}

/** One method of one path. */
export interface OperationObject {
  readonly summary?: string
  readonly description?: string
  readonly tags?: readonly string[]
  readonly parameters?: readonly Parameter[]
  readonly requestBody?: { readonly required?: boolean; readonly content: Content }
  readonly responses: Readonly<Record<string, { readonly content?: Content }>>
  readonly 'x-access'?: Access
}

/** Who may call: `public`, `optional` (a token is looked at), `user`, or only some roles. */
export type Access = 'public' | 'optional' | 'user' | { readonly roles: readonly string[] }

export interface Parameter {
  readonly name: string
  readonly in: string
  readonly required?: boolean
  readonly schema: JsonSchema
}

type Content = Readonly<Record<string, { readonly schema?: JsonSchema }>>

/** An operation with its name. */
export interface Operation {
  /** `POST /v1/carts/{cartId}/checkout`. */
  readonly name: string
  readonly method: string
  readonly path: string
  readonly object: OperationObject
}

/** Where the merged document of the present code lies. */
export const openApiFile = join(root, 'docs/openapi.json')

export function readOpenApi(file: string): OpenApi {
  const document: OpenApi = JSON.parse(readFileSync(file, 'utf8'))
  return document
}

/** Every operation of a document, in its order. */
export function operationsOf({ paths }: OpenApi): Operation[] {
  return Object.entries(paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, object]) => ({
      name: `${method.toUpperCase()} ${path}`,
      method: method.toUpperCase(),
      path,
      object,
    })),
  )
}

/** The schema of a JSON body; undefined without one. */
export function bodySchema(content: Content | undefined): JsonSchema | undefined {
  const [first] = Object.values(content ?? {})
  return first?.schema
}
