import { fastifySwagger } from '@fastify/swagger'
import type { FastifyInstance, FastifySchema } from 'fastify'
import { Type } from 'typebox'

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
      const headers = headersOf(schema)
      return {
        schema: { ...schema, ...(headers && { headers }), security, 'x-access': access },
        url,
      }
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

const idempotencyKey = Type.String({
  minLength: 1,
  maxLength: 255,
  description: 'Chosen by the client, once for each thing to be done: a repetition has no effect',
  examples: ['0193a1c0-0000-7000-8000-000000000000'],
})

const ifMatch = Type.String({
  description: 'The `ETag` that the client has read; `*` means any',
  examples: ['"1"'],
})

/**
 * The headers of a route, with those that its handler asks for: its words name `Idempotency-Key`, its answers
 * have a 428.
 */
function headersOf(schema: FastifySchema): object | undefined {
  const { description, headers, response } = schema
  const needed = {
    ...(String(description).includes('`Idempotency-Key`') && { 'idempotency-key': idempotencyKey }),
    ...(Object.hasOwn(Object(response), '428') && { 'if-match': ifMatch }),
  }
  const own: unknown = Reflect.get(Object(headers), 'properties')
  if (own === undefined && Object.keys(needed).length === 0) return undefined
  const required: string[] = [Reflect.get(Object(headers), 'required') ?? []].flat()
  return {
    type: 'object',
    properties: { ...Object(own), ...needed },
    required: [...required, ...Object.keys(needed)],
  }
}
