import { setTimeout as delay } from 'node:timers/promises'
import { drizzle, type NodePgDatabase } from 'drizzle-orm/node-postgres'
import { DatabaseError, Pool, type PoolClient, types } from 'pg'
import { createStatementNames, nameStatements } from './statement-names.ts'

/**
 * One Postgres connection as drizzle sees it. Inside `transaction` it is the open transaction; stores
 * take it as their first parameter and never reach for a global database.
 */
export type Tx = NodePgDatabase

/** Isolation of one transaction; only `serializable` is for check-then-write without a row lock. */
export type Isolation = 'read committed' | 'repeatable read' | 'serializable'

/** A service's connection pool: the only way to its tables. */
export interface Postgres {
  /**
   * Runs `work` in one transaction and commits; any throw rolls back.
   *
   * Serialization failures and deadlocks (40001, 40P01) are tried again, at most 5 times in all, so
   * `work` must have no effect outside its transaction.
   */
  transaction<T>(work: (tx: Tx) => Promise<T>, isolation?: Isolation): Promise<T>
  /** Runs statements that need no transaction, each in its own snapshot. */
  read<T>(work: (tx: Tx) => Promise<T>): Promise<T>
  /** @throws when Postgres cannot answer now */
  ping(): Promise<void>
  /** Connections: open, idle, and callers that wait for one. */
  connections(): { readonly open: number; readonly idle: number; readonly waiting: number }
  close(): Promise<void>
}

export interface PostgresOptions {
  readonly url: string
  /** Connections at most. */
  readonly max: number
  readonly applicationName: string
  /** Longest statement; a slower one is cancelled with 57014. */
  readonly statementTimeoutMs?: number
  /** Called for an idle connection that broke; the pool replaces it. */
  readonly onError?: (error: Error) => void
}

/**
 * Thrown inside a transaction whose work was given up although it may still be running: its
 * connection is closed, so that whatever the work does later reaches nobody's transaction.
 */
export class AbandonedWork extends Error {
  override readonly name: string = 'AbandonedWork'
}

const attemptsMax = 5
const retryable = new Set(['40001', '40P01'])
const commitHooks = new WeakMap<Tx, (() => void)[]>()
const collected = new WeakMap<Tx, Map<object, Collected>>()

/** What a transaction still has to write, and how. */
interface Collected {
  readonly items: unknown[]
  write(tx: Tx): Promise<void>
}

/**
 * Runs `hook` once the transaction of `tx` has committed; never after a rollback. For wake-ups only:
 * a hook may be lost with the process, so nothing may depend on it.
 */
export function onCommit(tx: Tx, hook: () => void): void {
  const hooks = commitHooks.get(tx)
  if (hooks === undefined) throw new Error('onCommit was called outside a transaction.')
  hooks.push(hook)
}

/**
 * Makes a way to write things of one kind together: what is added in the course of a transaction is handed
 * to `write` at its end, before the commit, in the order in which it was added. What `write` adds in turn,
 * here or elsewhere, is written afterwards.
 *
 * A statement for many rows costs little more than one for a single row, and rows that are locked only at
 * the end are locked for a short time, in one order.
 *
 * @returns how to add something; it throws outside a transaction
 */
export function writeTogether<Item>(
  write: (tx: Tx, items: readonly Item[]) => Promise<void>,
): (tx: Tx, ...items: readonly Item[]) => void {
  const kind = {}
  return (tx, ...added) => {
    const waiting = collected.get(tx)
    if (waiting === undefined) throw new Error('Something was to be written outside a transaction.')
    const known = waiting.get(kind)
    if (known !== undefined) known.items.push(...added)
    else {
      const items: Item[] = [...added]
      waiting.set(kind, { items, write: end => write(end, items) })
    }
  }
}

async function writeCollected(tx: Tx, waiting: Map<object, Collected>): Promise<void> {
  for (const [kind, one] of waiting) {
    // Out of the way first: what is added from now on is another turn, at the end of the map.
    waiting.delete(kind)
    await one.write(tx)
  }
}

/** Opens a pool; connections are made on demand, so a missing database is no error here. */
export function createPostgres(options: PostgresOptions): Postgres {
  const { statementTimeoutMs = 4_000 } = options
  const pool = new Pool({
    connectionString: options.url,
    max: options.max,
    application_name: options.applicationName,
    connectionTimeoutMillis: 3_000,
    idleTimeoutMillis: 30_000,
    statement_timeout: statementTimeoutMs,
    // A server that is frozen cancels nothing: the client gives up by itself, a little later.
    query_timeout: statementTimeoutMs + 500,
    lock_timeout: 4_000,
    idle_in_transaction_session_timeout: 60_000,
    keepAlive: true,
  })
  pool.on('error', error => options.onError?.(error))
  // An error of a connection in use also rejects the query in flight; without a listener it would
  // end the process as well.
  const names = createStatementNames()
  pool.on('connect', client => {
    client.on('error', () => undefined)
    nameStatements(client, names)
  })
  const databases = new WeakMap<PoolClient, Tx>()
  const shared: Tx = drizzle(pool)

  async function attempt<T>(work: (tx: Tx) => Promise<T>, isolation: Isolation): Promise<T> {
    const client = await pool.connect()
    const tx = databases.get(client) ?? drizzle(client)
    databases.set(client, tx)
    const hooks: (() => void)[] = []
    commitHooks.set(tx, hooks)
    const waiting = new Map<object, Collected>()
    collected.set(tx, waiting)
    let broken = false
    try {
      await client.query(
        isolation === 'read committed' ? 'begin' : `begin isolation level ${isolation}`,
      )
      const result = await work(tx)
      await writeCollected(tx, waiting)
      await client.query('commit')
      for (const hook of hooks) hook()
      return result
    } catch (error) {
      // The connection still waits for the statement that was given up: it is of no use any more.
      broken = isGivenUp(error) || isStalePlan(error) || error instanceof AbandonedWork
      if (!broken) {
        await client.query('rollback').catch(() => {
          broken = true
        })
      }
      throw error
    } finally {
      commitHooks.delete(tx)
      collected.delete(tx)
      client.release(broken)
    }
  }

  return {
    async transaction(work, isolation = 'read committed') {
      for (let attempts = 1; ; attempts += 1) {
        try {
          // Each attempt must see the outcome of the one before it.
          return await attempt(work, isolation)
        } catch (error) {
          const mayRetry = retryable.has(sqlState(error) ?? '') || isStalePlan(error)
          if (attempts >= attemptsMax || !mayRetry) throw error
          await delay(Math.random() * 10 * 2 ** attempts)
        }
      }
    },
    read: work => work(shared),
    async ping() {
      await pool.query('select 1')
    },
    connections: () => ({
      open: pool.totalCount,
      idle: pool.idleCount,
      waiting: pool.waitingCount,
    }),
    close: () => pool.end(),
  }
}

/**
 * The SQLSTATE of a Postgres error, also when drizzle wrapped it; undefined for anything else.
 *
 * @see https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
export function sqlState(error: unknown): string | undefined {
  return postgresError(error)?.code
}

/** Name of the violated constraint, when `error` is a violation of one. */
export function violatedConstraint(error: unknown): string | undefined {
  return postgresError(error)?.constraint
}

/** What pg says when `query_timeout` is over; it has no code. */
function isGivenUp(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  return error.message === 'Query read timeout' || isGivenUp(error.cause)
}

/**
 * A statement that was prepared before a migration changed its table (0A000), or that a pooler between us
 * has forgotten (26000): another connection prepares it anew.
 */
function isStalePlan(error: unknown): boolean {
  const found = postgresError(error)
  if (found === undefined) return false
  return found.code === '26000' || (found.code === '0A000' && /cached plan/.test(found.message))
}

function postgresError(error: unknown): DatabaseError | undefined {
  if (error instanceof DatabaseError) return error
  return error instanceof Error ? postgresError(error.cause) : undefined
}

/** Amounts, counts and offsets fit; a value that does not is a bug worth an error. */
function parseSafeInteger(text: string): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value))
    throw new RangeError(`int8 value ${text} is not a safe integer.`)
  return value
}

// For the whole process, because drizzle hands each statement parsers of its own, which end here.
types.setTypeParser(types.builtins.INT8, parseSafeInteger)
