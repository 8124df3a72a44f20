/** Which methods a path answers; it makes 405 out of a 404. */
export interface MethodIndex {
  /** Notes a route by its template, e.g. `/v1/carts/:cartId`. */
  add(template: string, methods: readonly string[]): void
  /** The methods that `path` (without query) answers, sorted; empty when there is no such path. */
  allowed(path: string): readonly string[]
}

/** Creates an index; it is asked only after the router has found nothing. */
export function createMethodIndex(): MethodIndex {
  const routes = new Map<string, { readonly pattern: RegExp; readonly methods: Set<string> }>()
  return {
    add(template, methods) {
      const route = routes.get(template) ?? { pattern: toPattern(template), methods: new Set() }
      routes.set(template, route)
      for (const method of methods) route.methods.add(method)
    },
    allowed(path) {
      const found = new Set<string>()
      for (const { pattern, methods } of routes.values()) {
        if (pattern.test(path)) for (const method of methods) found.add(method)
      }
      return [...found].toSorted()
    },
  }
}

/** One segment per parameter: linear, whatever the path. */
function toPattern(template: string): RegExp {
  const source = template
    .split('/')
    .map(segment => {
      if (segment.startsWith(':')) return '[^/]+'
      return segment === '*' ? '.*' : segment.replaceAll(/[$()*+.?[\\\]^{|}]/g, String.raw`\$&`)
    })
    .join('/')
  return new RegExp(`^${source}$`)
}
