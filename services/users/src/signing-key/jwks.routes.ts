import { problems } from '@campus/platform/http/problem'
import type { App } from '@campus/platform/http/server'
import { Type } from 'typebox'
import type { Keyring } from './load-keyring.command.ts'
import { PublicKey } from './signing-key.ts'

/** Where every process gets the keys that it verifies access tokens with. */
export function jwksRoutes(keyring: Keyring) {
  return async (app: App): Promise<void> => {
    app.get(
      '/.well-known/jwks.json',
      {
        config: { access: 'public' },
        schema: {
          tags: ['keys'],
          summary: 'Public keys of access tokens',
          response: { 200: Type.Object({ keys: Type.Array(PublicKey) }), ...problems(503) },
        },
      },
      async (_request, reply) => {
        reply.header('cache-control', 'public, max-age=300')
        return { keys: await keyring.publicKeys() }
      },
    )
  }
}
