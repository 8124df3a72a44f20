import type { Clock } from '@campus/platform/clock'
import { fail } from '@campus/platform/errors'
import { parseJson } from '@campus/platform/http/json'
import { problems } from '@campus/platform/http/problem'
import type { App, FastifyRequest } from '@campus/platform/http/server'
import { Type } from 'typebox'
import { refuse } from '../errors.ts'
import { Webhook } from '../psp/provider.ts'
import { isRecent, isSigned, signatureHeader, timestampHeader } from '../signature.ts'
import { type ReceiveDeps, receiveWebhook } from './receive-webhook.command.ts'

/** What the payment provider calls. */
export function webhookRoutes(deps: ReceiveDeps & { readonly secret: string }) {
  return async (app: App): Promise<void> => {
    // The signature is over the bytes, so it is checked where they are; nothing unsigned is parsed.
    app.removeContentTypeParser('application/json')
    app.addContentTypeParser<Buffer>(
      'application/json',
      { parseAs: 'buffer' },
      async (request: FastifyRequest, body: Buffer) => {
        requireSigned(request, body, deps.secret, deps.clock)
        return parseJson(body)
      },
    )

    app.post(
      '/v1/psp/webhooks',
      {
        config: { access: 'public' },
        bodyLimit: 16_384,
        schema: {
          tags: ['provider'],
          summary: 'News of the payment provider',
          description:
            'Signed: `psp-signature: v1=<hex>` is the HMAC-SHA256 over `<psp-timestamp>.<body>`. ' +
            'Webhooks may come several times and in any order.',
          body: Webhook,
          response: { 204: Type.Null(), ...problems(400, 401, 413, 415) },
        },
      },
      async (request, reply) => {
        await receiveWebhook(deps, request.body)
        return reply.code(204).send(null)
      },
    )
  }
}

function requireSigned(
  { headers }: FastifyRequest,
  body: Buffer,
  secret: string,
  clock: Clock,
): void {
  const timestamp = String(headers[timestampHeader] ?? '')
  const signature = String(headers[signatureHeader] ?? '')
  if (!isSigned(secret, timestamp, body, signature)) fail(refuse.signature_invalid())
  if (!isRecent(timestamp, clock.now())) fail(refuse.signature_stale())
}
