import { sqlState } from '../data/postgres.ts'

/** What to do about an error of a handler. */
export type Verdict = 'transient' | 'permanent'

/**
 * Classes and codes of SQLSTATE that say "not now": connection, resources, operator intervention,
 * serialization, deadlock, lock not available.
 *
 * @see https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
const transientStates = /^(08|53|57|58|40|55P03|25P03)/

const transientCodes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EAI_AGAIN',
  'ENOTFOUND',
])

/** Messages of pg for a connection that broke; it gives these no code. */
const connectionLost =
  /Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error|not queryable|Cannot use a pool after calling end/

/**
 * Whether trying again later can help. A statement that Postgres cancelled (57014) is transient too:
 * under load it says "slow", not "wrong".
 */
export function classify(error: unknown): Verdict {
  const state = sqlState(error)
  if (state !== undefined) return transientStates.test(state) ? 'transient' : 'permanent'
  if (!(error instanceof Error)) return 'permanent'
  const code: unknown = Reflect.get(error, 'code')
  if (typeof code === 'string' && transientCodes.has(code)) return 'transient'
  if (connectionLost.test(error.message)) return 'transient'
  return error.cause === undefined ? 'permanent' : classify(error.cause)
}
