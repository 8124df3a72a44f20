// One rule for both sides: a request that may be sent again (503), an event that is tried again.

const networkCodes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EPIPE',
  'ETIMEDOUT',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
  'UND_ERR_SOCKET',
])

/** Causes below an error that are looked at; a chain may close on itself. */
const causesMax = 5

// Drivers that give their time-outs and lost connections no code.
const clientFailures = [
  // pg and pg-pool
  /^timeout exceeded when trying to connect$/,
  /^Connection terminated/,
  /^Client has encountered a connection error/,
  /^Client was closed and is not queryable/,
  /^Query read timeout$/,
  // ioredis
  /^Stream isn't writeable and enableOfflineQueue options is false$/,
  /^Connection is closed\.$/,
  /^Command timed out$/,
  /^Reached the max retries per request limit/,
]

/**
 * Whether something this process depends on is down, too slow or out of capacity: the request may
 * succeed when it is sent again.
 */
export function isDependencyFailure(error: unknown, depth = 0): boolean {
  if (!(error instanceof Error) || depth > causesMax) return false
  const code: unknown = Reflect.get(error, 'code')
  if (typeof code === 'string' && (networkCodes.has(code) || isUnavailableState(code))) return true
  // An AbortSignal.timeout of a call that we made.
  if (error.name === 'TimeoutError') return true
  if (clientFailures.some(pattern => pattern.test(error.message))) return true
  return isDependencyFailure(error.cause, depth + 1)
}

/**
 * 08: connection exceptions, 53: no resources, 57014: statement timeout, 57P01 to 57P03: shutting
 * down or starting, 55P03: lock timeout, 40001 and 40P01: conflicts that outlived their retries.
 *
 * @see https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
function isUnavailableState(state: string): boolean {
  return /^(08|53|57014$|57P0[123]$|55P03$|40001$|40P01$|25P03$)/.test(state)
}
