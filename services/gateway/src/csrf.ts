import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto'

/** Tokens that prove that a page could read a cookie of its session. */
export interface Csrf {
  /** The token of the session that an access token belongs to. */
  tokenFor(accessToken: string): string | undefined
  /** Whether `token` belongs to the session of the access token. */
  isRight(token: unknown, accessToken: string): boolean
}

/**
 * Creates tokens that are bound to their session by an HMAC: a token of another session is worth
 * nothing, and a refresh keeps the one that open pages hold.
 *
 * @param secret equal in all replicas
 */
export function createCsrf(secret: string): Csrf {
  const key = Buffer.from(hkdfSync('sha256', secret, '', 'campus.gateway.csrf', 32))

  function tokenFor(accessToken: string): string | undefined {
    const sid = sessionOf(accessToken)
    if (sid === undefined) return undefined
    return createHmac('sha256', key).update(sid).digest('base64url')
  }

  return {
    tokenFor,
    isRight(token, accessToken) {
      const expected = tokenFor(accessToken)
      if (expected === undefined || typeof token !== 'string') return false
      const [given, right] = [Buffer.from(token), Buffer.from(expected)]
      return given.length === right.length && timingSafeEqual(given, right)
    },
  }
}

/** What the token claims. Whether it may is checked where it is used; nobody else can set the cookie. */
function sessionOf(accessToken: string): string | undefined {
  try {
    const [, payload = ''] = accessToken.split('.')
    const claims: unknown = JSON.parse(Buffer.from(payload, 'base64url').toString())
    const sid: unknown = Reflect.get(Object(claims), 'sid')
    return typeof sid === 'string' ? sid : undefined
  } catch {
    // No JWT at all.
    return undefined
  }
}
