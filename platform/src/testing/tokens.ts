import { generateKeyPairSync } from 'node:crypto'
import { createVerifier, type User, type Verifier } from '../http/auth.ts'
import type { Jwks } from '../http/keys.ts'
import { createSigner, type TokenSubject } from '../http/tokens.ts'
import { newId } from '../new-id.ts'

/** Access tokens for route tests, signed by a key of their own. */
export interface TestTokens {
  readonly jwks: Jwks
  readonly privateKey: string
  readonly publicKey: string
  readonly kid: string
  /** For `createServer({ auth })`; nothing is revoked unless `isRevoked` says so. */
  verifier(isRevoked?: (user: User) => boolean): Verifier
  /** A token; what is left out is a new user, a new session and the role student. */
  token(subject?: Partial<TokenSubject>, now?: Date): string
  /** The headers of a request with such a token. */
  bearer(subject?: Partial<TokenSubject>): { readonly authorization: string }
}

/** Creates a key pair and what signs and verifies with it. */
export async function testTokens(kid = 'test-key'): Promise<TestTokens> {
  const pair = generateKeyPairSync('ed25519')
  const privateKey = pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  const publicKey = pair.publicKey.export({ type: 'spki', format: 'pem' }).toString()
  const jwks: Jwks = {
    keys: [{ ...pair.publicKey.export({ format: 'jwk' }), kid, alg: 'EdDSA', use: 'sig' }],
  }
  const signer = await createSigner({ privateKey, publicKey, kid })
  const token = (subject: Partial<TokenSubject> = {}, now: Date = new Date()) =>
    signer.sign({ userId: newId(), sid: newId(), roles: ['student'], ...subject }, now)
  return {
    jwks,
    privateKey,
    publicKey,
    kid,
    token,
    verifier: isRevoked =>
      createVerifier({ keys: jwks, ...(isRevoked !== undefined && { isRevoked }) }),
    bearer: subject => ({ authorization: `Bearer ${token(subject)}` }),
  }
}
