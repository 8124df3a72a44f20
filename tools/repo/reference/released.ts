import { join } from 'node:path'
import { root } from '../../local/services.ts'
import type { JsonSchema } from './json-schema.ts'
import type { OpenApi } from './open-api.ts'

/** The document that clients were promised; `npm run docs -- --release` renews it. */
export const releasedFile = join(root, 'contracts/released/openapi.json')

/** Texts say nothing about what works. */
const texts = new Set(['summary', 'tags', 'title'])
/** Schemas that are shorter than this are not worth a name. */
const sharedFrom = 200

/**
 * A document without its texts, in which every schema that occurs more than once stands once: what a
 * release promises, in a size that a review can read.
 */
export function promiseOf(document: OpenApi): object {
  const shared = new Map<string, { readonly name: string; readonly schema: unknown }>()
  const counts = new Map<string, number>()
  const bare = withoutTexts(document, false)
  walk(bare, text => counts.set(text, (counts.get(text) ?? 0) + 1))
  const paths = Object(share(Object(bare).paths))
  const own = Object.entries(Object(Object(bare).components?.schemas))
  return {
    openapi: '3.1.0',
    paths,
    components: {
      schemas: Object.fromEntries([
        ...own,
        ...[...shared.values()].map(({ name, schema }) => [name, schema]),
      ]),
    },
  }

  function share(node: unknown): unknown {
    if (Array.isArray(node)) return node.map(share)
    if (typeof node !== 'object' || node === null) return node
    const text = JSON.stringify(node)
    const isShared = isSchema(node) && text.length >= sharedFrom && (counts.get(text) ?? 0) > 1
    if (!isShared) return mapMembers(node)
    const known = shared.get(text)
    if (known !== undefined) return { $ref: `#/components/schemas/${known.name}` }
    const name = `shared-${shared.size + 1}`
    shared.set(text, { name, schema: undefined })
    shared.set(text, { name, schema: mapMembers(node) })
    return { $ref: `#/components/schemas/${name}` }
  }

  function mapMembers(node: object): object {
    return Object.fromEntries(Object.entries(node).map(([key, value]) => [key, share(value)]))
  }
}

function walk(node: unknown, visit: (text: string) => void): void {
  if (typeof node !== 'object' || node === null) return
  if (isSchema(node)) visit(JSON.stringify(node))
  for (const value of Object.values(node)) walk(value, visit)
}

function isSchema(node: object): node is JsonSchema {
  return 'type' in node && Reflect.get(node, 'type') === 'object' && 'properties' in node
}

/** @param isNames whether the members are named by us, e.g. the fields of a schema */
function withoutTexts(node: unknown, isNames: boolean): unknown {
  if (Array.isArray(node)) return node.map(one => withoutTexts(one, false))
  if (typeof node !== 'object' || node === null) return node
  return Object.fromEntries(
    Object.entries(node)
      .filter(([name, value]) => isNames || !isText(name, value))
      .map(([name, value]) => [name, withoutTexts(value, name === 'properties' && !isNames)]),
  )
}

function isText(name: string, value: unknown): boolean {
  return texts.has(name) || (name === 'description' && typeof value === 'string')
}
