import { type ServiceName, serviceOf } from '@campus/contracts/prefixes'
import { type Static, Type } from 'typebox'

/** The parts of an OpenAPI document that are merged. */
export const OpenApi = Type.Object({
  openapi: Type.String(),
  paths: Type.Record(Type.String(), Type.Object({})),
  components: Type.Optional(Type.Record(Type.String(), Type.Record(Type.String(), Type.Unknown()))),
})
export type OpenApi = Static<typeof OpenApi>

/**
 * One document of all services: of each, the paths that are public under its own prefixes.
 *
 * Paths and components are sorted, so that the same services give the same bytes.
 */
export function mergeOpenApi(
  documents: readonly { readonly service: ServiceName; readonly document: OpenApi }[],
  info: { readonly version: string; readonly publicUrl: string },
) {
  const paths: [string, object][] = []
  const components: Record<string, Record<string, unknown>> = {}
  for (const { service, document } of documents) {
    for (const [path, item] of Object.entries(document.paths)) {
      if (serviceOf(withoutParameters(path)) === service) paths.push([path, item])
    }
    for (const [kind, members] of Object.entries(document.components ?? {})) {
      components[kind] = { ...components[kind], ...members }
    }
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Campus',
      version: info.version,
      description:
        'The API of a learning business. Every error is an RFC 9457 problem document with a ' +
        'stable `code`; lists are paged by opaque cursors; operations that move money or stock ' +
        'need an `Idempotency-Key`.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: info.publicUrl }],
    paths: Object.fromEntries(paths.toSorted(([a], [b]) => (a < b ? -1 : 1))),
    components,
  }
}

/** `/v1/carts/{id}/items` → `/v1/carts/x/items`: a path that a prefix can be looked up for. */
function withoutParameters(path: string): string {
  return path.replaceAll(/\{[^/}]*\}/g, 'x')
}
