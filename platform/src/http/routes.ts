import type { FastifyInstance } from 'fastify'
import { AppError, chassis } from '../errors.ts'
import { closedSchema, emptyQuery } from './closed-schema.ts'
import { createMethodIndex } from './methods.ts'

/**
 * Checks every route when it is registered, closes its input schemas, and tells a wrong method (405)
 * from a wrong path (404) when no route was found.
 *
 * @throws Error at registration, for a route that forgot something
 */
export function guardRoutes(
  app: FastifyInstance,
  { hasAuth }: { readonly hasAuth: boolean },
): void {
  const index = createMethodIndex()

  app.addHook('onRoute', route => {
    const methods = [route.method].flat()
    const name = `${methods.join()} ${route.url}`
    if (!app.hasDecorator('swagger')) {
      // Plugins hear of routes only once they are loaded: this one would miss its documentation.
      throw new Error(`Route ${name} must be registered in a plugin.`)
    }
    const access = route.config?.access
    if (access === undefined) throw new Error(`Route ${name} declares no config.access.`)
    if (access !== 'public' && !hasAuth) throw new Error(`Route ${name} needs a server with auth.`)
    index.add(route.url, methods)
    route.schema = {
      ...route.schema,
      ...(route.schema?.body !== undefined && { body: closedSchema(route.schema.body) }),
      querystring: closedSchema(route.schema?.querystring ?? emptyQuery),
    }
  })

  app.setNotFoundHandler(() => {
    throw new AppError([chassis.notFound()])
  })
  // Before the body is read: its type and size do not matter where nothing is.
  app.addHook('preParsing', (request, _reply, _payload, done) => {
    if (request.is404) done(nothingHere(request.url))
    else done()
  })

  function nothingHere(url: string): AppError {
    const [path = ''] = url.split('?')
    const allowed = index.allowed(path)
    if (allowed.length === 0) return new AppError([chassis.notFound()])
    return new AppError([chassis.methodNotAllowed()], { headers: { allow: allowed.join(', ') } })
  }
}
