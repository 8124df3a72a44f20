import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { chassis, fail } from '@campus/platform/errors'
import type { App } from '@campus/platform/http/server'
import { Type } from 'typebox'
import { Check } from 'typebox/value'
import { type Upstream, upstreams } from '../proxy/upstream.ts'
import { mergeOpenApi, OpenApi } from './merge-openapi.ts'

const cacheMs = 60_000
const fetchMs = 2_000

/** Swagger UI sets styles and shows inlined pictures; scripts are files of this origin only. */
const pagePolicy =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; " +
  "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

const page = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Campus API</title>
<link rel="stylesheet" href="/docs/swagger-ui.css">
</head>
<body>
<div id="ui"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
`
const start = `window.ui = SwaggerUIBundle({
  url: '/v1/openapi.json', dom_id: '#ui', deepLinking: true, tryItOutEnabled: true,
  persistAuthorization: false, displayRequestDuration: true
})
`
const assets = new Map([
  ['swagger-ui.css', 'text/css'],
  ['swagger-ui-bundle.js', 'text/javascript'],
])

/** The merged OpenAPI document and a page that shows it and calls it. */
export function docsRoutes(options: {
  readonly urls: Readonly<Record<Upstream, string>>
  readonly publicUrl: string
  readonly version: string
}) {
  const { publicUrl, version } = options
  const known = new Map<Upstream, OpenApi>()
  let merged: { readonly text: string; readonly untilMs: number } | undefined

  /** The latest document of each service; one that is down keeps the one it had. */
  async function refresh(): Promise<void> {
    await Promise.all(
      upstreams.map(async service => {
        const url = `${options.urls[service]}/openapi.json`
        const response = await fetch(url, {
          signal: AbortSignal.timeout(fetchMs),
          headers: { 'accept-encoding': 'identity' },
        }).catch(() => undefined)
        const document: unknown = response?.ok === true ? await response.json() : undefined
        if (Check(OpenApi, document)) known.set(service, document)
      }),
    )
  }

  return async (app: App): Promise<void> => {
    app.get(
      '/v1/openapi.json',
      {
        config: { access: 'public' },
        schema: { tags: ['gateway'], summary: 'This document', response: { 200: Type.Any() } },
      },
      async (_request, reply) => {
        const now = performance.now()
        if (merged === undefined || merged.untilMs < now) {
          await refresh()
          const documents = [...known].map(([service, document]) => ({ service, document }))
          const own: unknown = app.swagger()
          const all = Check(OpenApi, own)
            ? [{ service: 'gateway' as const, document: own }, ...documents]
            : documents
          const text = JSON.stringify(mergeOpenApi(all, { version, publicUrl }))
          const isComplete = known.size === upstreams.length
          merged = { text, untilMs: isComplete ? now + cacheMs : now }
        }
        return reply.type('application/json').send(merged.text)
      },
    )

    app.get(
      '/version',
      {
        config: { access: 'public' },
        schema: {
          tags: ['gateway'],
          summary: 'Which release runs here',
          response: { 200: Type.Object({ name: Type.String(), version: Type.String() }) },
        },
      },
      async () => ({ name: 'campus', version }),
    )

    app.get('/docs', { config: { access: 'public' }, schema: { hide: true } }, (_request, reply) =>
      reply.type('text/html').header('content-security-policy', pagePolicy).send(page),
    )

    app.get(
      '/docs/:file',
      {
        config: { access: 'public' },
        schema: { hide: true, params: Type.Object({ file: Type.String({ maxLength: 40 }) }) },
      },
      async (request, reply) => {
        const { file } = request.params
        if (file === 'start.js') return reply.type('text/javascript').send(start)
        const type = assets.get(file)
        if (type === undefined) return fail(chassis.notFound())
        reply.type(type).header('cache-control', 'public, max-age=3600')
        return readFile(join(assetFolder(), file))
      },
    )
  }
}

/** The files of Swagger UI, as the package that Fastify maintains ships them. */
function assetFolder(): string {
  const entry = createRequire(import.meta.url).resolve('@fastify/swagger-ui')
  return join(dirname(entry), 'static')
}
