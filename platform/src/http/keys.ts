import { createPublicKey, type JsonWebKey } from 'node:crypto'
import type { Clock } from '../clock.ts'
import { AppError, chassis } from '../errors.ts'

// Keys are cached for 5 minutes. A token with an unknown kid may mean that the keys were rotated, so
// it fetches them at once, but at most every 30 s: otherwise forged tokens would flood the issuer.
// When the issuer is down the known keys stay in use, because only it makes new tokens anyway.

const freshMs = 5 * 60_000
const unknownKidMs = 30_000
const retryMs = 1_000
const fetchTimeoutMs = 2_000
const keysMax = 20

/** A JSON Web Key Set. */
export interface Jwks {
  readonly keys: readonly JsonWebKey[]
}

/** Public keys by `kid`. */
export interface KeySet {
  /**
   * The key in PEM, undefined for an unknown kid.
   *
   * @throws AppError `server.dependency_down` when no keys could be had yet
   */
  keyOf(kid: string): Promise<string | undefined>
}

/** Keys that never change, e.g. those of a test. */
export function staticKeys(jwks: Jwks): KeySet {
  const keys = readKeys(jwks)
  return { keyOf: kid => Promise.resolve(keys.get(kid)) }
}

/** Keys that `url` publishes. */
export function remoteKeys(url: string, clock: Clock): KeySet {
  let keys: ReadonlyMap<string, string> | undefined
  let fetchedAt = Number.NEGATIVE_INFINITY
  let triedAt = Number.NEGATIVE_INFINITY
  let flight: Promise<void> | undefined

  async function load(): Promise<void> {
    try {
      keys = await fetchKeys(url)
      fetchedAt = clock.now().getTime()
    } catch {
      // Known keys stay; without any, `keyOf` answers 503. Readiness shows that the issuer is down.
    } finally {
      flight = undefined
    }
  }

  async function refresh(): Promise<void> {
    triedAt = clock.now().getTime()
    flight ??= load()
    return flight
  }

  return {
    async keyOf(kid) {
      const now = clock.now().getTime()
      const known = keys?.get(kid)
      if (known !== undefined) {
        // Nobody waits for a refresh while the key at hand is good.
        if (now - fetchedAt > freshMs && now - triedAt > unknownKidMs) void refresh()
        return known
      }
      const pauseMs = keys === undefined ? retryMs : unknownKidMs
      if (flight !== undefined || now - triedAt > pauseMs) await refresh()
      if (keys === undefined) {
        throw new AppError([chassis.dependencyDown()], { headers: { 'retry-after': '2' } })
      }
      return keys.get(kid)
    },
  }
}

async function fetchKeys(url: string): Promise<ReadonlyMap<string, string>> {
  const response = await fetch(url, {
    signal: AbortSignal.timeout(fetchTimeoutMs),
    redirect: 'error',
    // No process decompresses what another one sends.
    headers: { accept: 'application/json', 'accept-encoding': 'identity' },
  })
  if (!response.ok) throw new Error(`The key set answers ${response.status}.`)
  const body: unknown = await response.json()
  if (!isJwks(body)) throw new TypeError('The key set is not a JWKS.')
  return readKeys(body)
}

function isJwks(body: unknown): body is Jwks {
  return typeof body === 'object' && body !== null && 'keys' in body && Array.isArray(body.keys)
}

/** Takes Ed25519 keys only: no other algorithm can be chosen by a key or a token. */
function readKeys({ keys }: Jwks): ReadonlyMap<string, string> {
  const found = new Map<string, string>()
  for (const jwk of keys.slice(0, keysMax)) {
    const { kid, x } = jwk
    if (jwk.kty !== 'OKP' || jwk.crv !== 'Ed25519' || typeof kid !== 'string') continue
    if (x === undefined) continue
    const key = createPublicKey({ format: 'jwk', key: { kty: 'OKP', crv: 'Ed25519', x } })
    found.set(kid, key.export({ type: 'spki', format: 'pem' }).toString())
  }
  return found
}
