import { fastifyJwt } from '@fastify/jwt'
import { fastify } from 'fastify'
import { v7 as uuidv7 } from 'uuid'

// The one module that says what an access token is: signing and verifying use the same constants, and
// nothing else sets options of @fastify/jwt (per-call options drop the global ones, CVE-2026-110024).

/** Longest life of an access token, seconds. */
export const tokenSeconds = 600

const issuer = 'campus'
const audience = 'campus'
const tokenType = 'at+jwt'
const algorithm = 'EdDSA'

/** What an access token says. */
export interface Claims {
  readonly sub: string
  readonly sid: string
  readonly roles: readonly string[]
  readonly jti: string
  /** Seconds since 1970. */
  readonly iat: number
  /** The same to the millisecond: whether a token is newer than a revocation must not be a guess. */
  readonly iat_ms: number
}

/** Strict options of every verification; `maxAge` is in seconds. */
export const verifyOptions = {
  algorithms: [algorithm],
  allowedIss: issuer,
  allowedAud: audience,
  checkTyp: tokenType,
  requiredClaims: ['iss', 'aud', 'sub', 'sid', 'roles', 'iat', 'exp', 'jti'],
  maxAge: tokenSeconds,
  // A cache would accept a token past its key's rotation, and keys by hash only.
  cache: false,
} satisfies NonNullable<Parameters<typeof fastifyJwt>[1]['verify']>

/** Who a token is for. */
export interface TokenSubject {
  readonly userId: string
  readonly sid: string
  readonly roles: readonly string[]
}

/** Signs access tokens; only `users` and tests have one. */
export interface Signer {
  /** A token that lives `tokenSeconds` from `now` on. */
  sign(subject: TokenSubject, now: Date): string
}

/**
 * Creates a signer for an Ed25519 key.
 *
 * @param options.privateKey PKCS #8 in PEM
 * @param options.kid id of the key in the published JWKS
 */
export async function createSigner(options: {
  readonly privateKey: string
  readonly publicKey: string
  readonly kid: string
}): Promise<Signer> {
  // The plugin is the only door to the library, so an instance that never listens carries it.
  const host = fastify()
  await host.register(fastifyJwt, {
    secret: { private: options.privateKey, public: options.publicKey },
    sign: {
      algorithm,
      kid: options.kid,
      header: { alg: algorithm, typ: tokenType },
      iss: issuer,
      aud: audience,
    },
    verify: verifyOptions,
  })
  return {
    sign({ userId, sid, roles }, now) {
      const iat = Math.floor(now.getTime() / 1_000)
      return host.jwt.sign({
        sub: userId,
        sid,
        roles: [...roles],
        jti: uuidv7(),
        iat,
        iat_ms: now.getTime(),
        exp: iat + tokenSeconds,
      })
    },
  }
}
