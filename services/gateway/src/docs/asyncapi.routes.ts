import { createHash } from 'node:crypto'
import type { App } from '@campus/platform/http/server'
import { Type } from 'typebox'
import asyncApi from './asyncapi.json' with { type: 'json' }

/**
 * Every event of the mesh, for programs. `npm run docs` makes the document from contracts and from the
 * sources of the services, so a release serves the one that it was built with.
 */
export async function asyncApiRoutes(app: App): Promise<void> {
  const text = JSON.stringify(asyncApi)
  const etag = `"${createHash('sha256').update(text).digest('base64url').slice(0, 22)}"`

  app.get(
    '/v1/asyncapi.json',
    {
      config: { access: 'public' },
      schema: {
        tags: ['gateway'],
        summary: 'The events of the mesh as an AsyncAPI 3.0 document',
        description: 'With `If-None-Match` the answer is 304 while the release is the same.',
        response: { 200: Type.Any(), 304: Type.Null() },
      },
    },
    (request, reply) => {
      reply.header('etag', etag).header('cache-control', 'public, max-age=300')
      const known = request.headers['if-none-match']?.split(',').map(tag => tag.trim()) ?? []
      // The comparison is a weak one: a proxy that compresses marks the tag as weak.
      if (known.some(tag => tag === '*' || tag.replace(/^W\//, '') === etag)) {
        return reply.code(304).send(null)
      }
      return reply.type('application/json').send(text)
    },
  )
}
