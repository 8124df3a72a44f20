import { fastifySwagger } from '@fastify/swagger'
import type { FastifyInstance } from 'fastify'

/**
 * Documents the routes as OpenAPI 3.1 and serves it at `GET /openapi.json`, where the gateway reads
 * it to publish the merged document.
 *
 * Who may call an operation is part of it: `x-access` is compared with the table of rights.
 */
export function openapi(
  app: FastifyInstance,
  info: { readonly service: string; readonly version: string; readonly publicUrl: string },
): void {
  app.register(fastifySwagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: `Campus ${info.service}`, version: info.version },
      ...(info.publicUrl !== '' && { servers: [{ url: info.publicUrl }] }),
      components: {
        securitySchemes: { bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } },
      },
    },
    transform: ({ schema, url, route }) => {
      const access = route.config?.access ?? 'public'
      const security =
        access === 'public' ? [] : [...(access === 'optional' ? [{}] : []), { bearer: [] }]
      return { schema: { ...schema, security, 'x-access': access }, url }
    },
  })

  app.register(scope => {
    let text: string | undefined
    scope.get(
      '/openapi.json',
      { config: { access: 'public' }, schema: { hide: true } },
      (_request, reply) => {
        text ??= JSON.stringify(scope.swagger())
        return reply.type('application/json').send(text)
      },
    )
  })
}
