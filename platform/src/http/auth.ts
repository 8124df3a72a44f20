import { fastifyJwt } from '@fastify/jwt'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { Check } from 'typebox/value'
import { type Clock, systemClock } from '../clock.ts'
import { AppError, chassis } from '../errors.ts'
import { type Jwks, type KeySet, remoteKeys, staticKeys } from './keys.ts'
import { type Claims, tokenSeconds, verifyOptions } from './tokens.ts'
import { createVerifiedTokens, type UsedKey } from './verified-tokens.ts'

/** Who calls, as a verified access token says. */
export interface User {
  readonly userId: string
  /** The session: one login on one device. */
  readonly sid: string
  readonly roles: readonly string[]
  /** Seconds since 1970, with milliseconds as its fraction. */
  readonly issuedAt: number
}

/**
 * Who may call a route. `public`: tokens are not looked at; `optional`: a token may be absent but not
 * wrong; `user`: any user; `roles`: a user with one of them.
 */
export type Access = 'public' | 'optional' | 'user' | { readonly roles: readonly string[] }

declare module '@fastify/jwt' {
  interface FastifyJWT {
    payload: Claims & { readonly exp?: number }
    user: User | null
  }
}

declare module 'fastify' {
  interface FastifyContextConfig {
    access?: Access
  }
}

/** How tokens are verified. */
export interface Verifier {
  readonly keys: KeySet
  readonly clock: Clock
  isRevoked(user: User): boolean
  /** The token of a request; nothing but a header or a cookie is ever read. */
  tokenOf(request: FastifyRequest): string | undefined
}

/** Creates a verifier for keys at hand, or for the JWKS that `users` publishes. */
export function createVerifier(
  options: ({ readonly jwksUrl: string } | { readonly keys: Jwks }) & {
    readonly isRevoked?: (user: User) => boolean
    /** By default the bearer token of `Authorization`. */
    readonly tokenOf?: (request: FastifyRequest) => string | undefined
    readonly clock?: Clock
  },
): Verifier {
  const { isRevoked = () => false, tokenOf = bearerToken, clock = systemClock } = options
  return {
    keys: 'keys' in options ? staticKeys(options.keys) : remoteKeys(options.jwksUrl, clock),
    clock,
    isRevoked,
    tokenOf,
  }
}

/** The bearer token of `Authorization`; any other scheme is a token that will not verify. */
export function bearerToken(request: FastifyRequest): string | undefined {
  const { authorization } = request.headers
  if (authorization === undefined) return undefined
  return /^Bearer ([\w.~+/=-]+)$/i.exec(authorization)?.[1] ?? ''
}

/**
 * The user of a route whose access is `user` or a role.
 *
 * @throws AppError `auth.token_invalid` when a route forgot to ask for a user
 */
export function userOf(request: FastifyRequest): User {
  return request.user ?? tokenInvalid()
}

const ClaimsSchema = Type.Object({
  sub: Type.String({ minLength: 1, maxLength: 64 }),
  sid: Type.String({ minLength: 1, maxLength: 64 }),
  roles: Type.Array(Type.String({ maxLength: 32 }), { maxItems: 16 }),
  jti: Type.String({ minLength: 1, maxLength: 64 }),
  iat: Type.Number(),
  exp: Type.Number(),
  iat_ms: Type.Optional(Type.Integer()),
})

/**
 * Makes every route of `app` check its `config.access` before anything else of the request is read.
 *
 * A token that is wrong in whatever way answers 401, never 500; keys that cannot be had answer 503.
 */
export function auth(app: FastifyInstance, verifier: Verifier): void {
  const verified = createVerifiedTokens(verifier.keys, verifier.clock)
  const usedKeys = new WeakMap<FastifyRequest, UsedKey>()

  app.register(fastifyJwt, {
    secret: {
      public: async (request: FastifyRequest, token: unknown) => {
        const kid = kidOf(token)
        const key = (await verifier.keys.keyOf(kid)) ?? tokenInvalid()
        usedKeys.set(request, { kid, key })
        return key
      },
    },
    // The header is needed for its kid.
    decode: { complete: true },
    verify: { ...verifyOptions, extractToken: request => verifier.tokenOf(request) },
  })

  async function verify(request: FastifyRequest, token: string): Promise<User> {
    const claims = await verifiedClaims(request)
    const used = usedKeys.get(request)
    if (!Check(ClaimsSchema, claims) || used === undefined) return tokenInvalid()
    const { sub, sid, roles, iat, exp, iat_ms: issuedMs = iat * 1_000 } = claims
    const user: User = { userId: sub, sid, roles, issuedAt: issuedMs / 1_000 }
    const expiresAtMs = Math.min(exp, iat + tokenSeconds) * 1_000
    verified.keep(token, { user, used, expiresAtMs })
    return user
  }

  async function authenticate(request: FastifyRequest): Promise<void> {
    const access = request.routeOptions.config.access ?? 'public'
    if (access === 'public') return
    const token = verifier.tokenOf(request)
    if (token === undefined) {
      if (access === 'optional') return
      tokenInvalid()
    }
    const user = (await verified.userOf(token)) ?? (await verify(request, token))
    if (verifier.isRevoked(user)) tokenInvalid()
    request.user = user
    request.flow = { ...request.flow, actor: `user:${user.userId}` }
    if (typeof access === 'object' && !access.roles.some(role => user.roles.includes(role))) {
      throw new AppError([chassis.roleMissing()])
    }
  }

  app.addHook('onRoute', route => {
    if (route.config?.access === 'public') return
    const hooks = [route.onRequest ?? []].flat()
    // Fastify derives a HEAD route from a GET route that has the hook already.
    if (!hooks.includes(authenticate)) route.onRequest = [...hooks, authenticate]
  })
}

async function verifiedClaims(request: FastifyRequest): Promise<unknown> {
  try {
    return await request.jwtVerify()
  } catch (error) {
    // Our own refusals: an unknown key, or no keys at all. Whatever the library says is a bad token:
    // it answers 500 for some of them.
    if (error instanceof AppError) throw error
    return tokenInvalid()
  } finally {
    // The plugin has put the raw claims there.
    request.user = null
  }
}

function kidOf(token: unknown): string {
  if (typeof token !== 'object' || token === null || !('header' in token)) return tokenInvalid()
  const { header } = token
  const kid: unknown =
    typeof header === 'object' && header !== null ? Reflect.get(header, 'kid') : undefined
  return typeof kid === 'string' ? kid : tokenInvalid()
}

function tokenInvalid(): never {
  throw new AppError([chassis.tokenInvalid()], {
    headers: { 'www-authenticate': 'Bearer error="invalid_token"' },
  })
}
