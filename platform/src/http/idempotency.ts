import { createHash } from 'node:crypto'
import { sql } from 'drizzle-orm'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { Check } from 'typebox/value'
import { type Isolation, type Postgres, type Tx, violatedConstraint } from '../data/postgres.ts'
import { AppError, chassis } from '../errors.ts'
import { canonicalJson } from './canonical.ts'
import { problemType, renderProblem } from './problem.ts'

// A client that got no answer repeats its request with the same key. The record of the first answer
// is written by the transaction of its effect: either both are there or neither is. An advisory lock
// of that transaction means "still running"; it vanishes with a crash, so nobody has to clean it up.
//
// The lock and the record are read by one statement, whose snapshot may be older than the lock. The
// record may therefore be missed just after it was committed; then its primary key refuses the second
// one, the second effect is rolled back, and the next look finds the record.

/** What a route answers. */
export interface Answer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  /** Serialised by the response schema of the route; undefined for an empty body. */
  readonly body?: unknown
}

interface Identity {
  readonly subject: string
  readonly operation: string
  readonly key: string
  readonly bodyHash: string
}

/** An answer as it is kept and sent: a retry gets the same bytes. */
interface StoredAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | null
}

const looksMax = 3

/**
 * Answers a request with an `Idempotency-Key` once, however often it is sent.
 *
 * `work` gets a `Postgres` that is one open transaction: everything it does there commits together
 * with the record of its answer. Refusals (`AppError` below 500) are kept as well; a 5xx never is.
 *
 * @throws AppError `request.idempotency_key_required` 400, `request.in_flight` 409,
 *   `request.idempotency_key_reused` 422, and whatever `work` refuses
 * @see https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/
 */
export async function idempotent<T>(
  request: FastifyRequest,
  reply: FastifyReply,
  postgres: Postgres,
  work: (postgres: Postgres) => Promise<T>,
  answer: (result: T) => Answer,
  /** Delays the sending of an answer, e.g. for `Prefer: wait`; it cannot change it. */
  hold: (answer: { readonly status: number; readonly body: unknown }) => Promise<void> = notHeld,
): Promise<void> {
  const identity = identify(request)
  for (let looks = 1; ; looks += 1) {
    try {
      // oxlint-disable-next-line no-await-in-loop -- a second look depends on the first.
      const outcome = await runOnce(postgres, identity, work, result =>
        serialise(reply, answer(result)),
      )
      // oxlint-disable-next-line no-await-in-loop
      const { status, body } = outcome.answer
      await hold({ status, body: body === null ? null : JSON.parse(body) })
      await send(reply, outcome.answer, outcome.isReplay)
      return
    } catch (error) {
      if (violatedConstraint(error) === 'idempotency_key_pkey' && looks < looksMax) continue
      if (!isKept(error)) throw error
      const refusal = refusalAnswer(error, request)
      // oxlint-disable-next-line no-await-in-loop
      const isFirst = await keepRefusal(postgres, identity, refusal)
      // A twin has begun after our rollback and ended before our record: its answer is the one.
      if (!isFirst && looks < looksMax) continue
      // oxlint-disable-next-line no-await-in-loop
      await send(reply, refusal, false)
      return
    }
  }
}

async function notHeld(): Promise<void> {
  // Most answers are sent at once.
}

function identify(request: FastifyRequest): Identity {
  const key = request.headers['idempotency-key']
  if (typeof key !== 'string' || !/^[\x20-\x7E]{1,255}$/.test(key)) {
    throw new AppError([chassis.idempotencyKeyRequired()])
  }
  const { method, url } = request.routeOptions
  const { body, params, query } = request
  return {
    key,
    subject: request.user?.userId ?? `anonymous:${request.ip}`,
    operation: `${[method].flat().join()} ${url} ${canonicalJson(params)}`,
    bodyHash: createHash('sha256')
      .update(canonicalJson([body, params, query]))
      .digest('hex'),
  }
}

interface Outcome {
  readonly answer: StoredAnswer
  readonly isReplay: boolean
}

async function runOnce<T>(
  postgres: Postgres,
  identity: Identity,
  work: (postgres: Postgres) => Promise<T>,
  toAnswer: (result: T) => StoredAnswer,
): Promise<Outcome> {
  async function attempt(isolation: Isolation): Promise<Outcome> {
    return postgres.transaction(async tx => {
      const kept = await claim(tx, identity)
      if (kept !== undefined) return { answer: kept, isReplay: true }
      const answer = toAnswer(await work(joined(postgres, tx, isolation)))
      await keep(tx, identity, answer)
      return { answer, isReplay: false }
    }, isolation)
  }
  try {
    return await attempt('read committed')
  } catch (error) {
    if (error instanceof OtherIsolation) return attempt(error.isolation)
    throw error
  }
}

/** Thrown by `work` that wants another isolation than its transaction was begun with. */
class OtherIsolation extends Error {
  readonly isolation: Isolation
  constructor(isolation: Isolation) {
    super(`The transaction must be ${isolation}.`)
    this.isolation = isolation
  }
}

/** A `Postgres` whose transactions and reads are part of `tx`. */
function joined(postgres: Postgres, tx: Tx, isolation: Isolation): Postgres {
  return {
    ...postgres,
    transaction(work, wanted = 'read committed') {
      // Nothing was changed yet, so beginning again costs one round trip and is rare.
      const isEnough = wanted === isolation || wanted === 'read committed'
      if (!isEnough) throw new OtherIsolation(wanted)
      return work(tx)
    },
    read: work => work(tx),
  }
}

const Row = Type.Object({
  locked: Type.Boolean(),
  body_hash: Type.Union([Type.String(), Type.Null()]),
  status: Type.Union([Type.Integer(), Type.Null()]),
  headers: Type.Union([Type.Record(Type.String(), Type.String()), Type.Null()]),
  body: Type.Union([Type.String(), Type.Null()]),
})

/** Takes the lock of a key; answers the record when there is one. */
async function claim(tx: Tx, identity: Identity): Promise<StoredAnswer | undefined> {
  const { subject, operation, key } = identity
  const lockName = canonicalJson([subject, operation, key])
  const { rows } = await tx.execute(sql`
    select lock.locked, kept.body_hash, kept.status, kept.headers, kept.body
    from (select pg_try_advisory_xact_lock(hashtextextended(${lockName}, 0)) as locked) as lock
    left join idempotency_key as kept
      on kept.subject = ${subject} and kept.operation = ${operation} and kept.key = ${key}`)
  const [row] = rows
  if (!Check(Row, row)) throw new TypeError('The table idempotency_key is not as expected.')
  if (row.status !== null) {
    if (row.body_hash !== identity.bodyHash) throw new AppError([chassis.idempotencyKeyReused()])
    return { status: row.status, headers: row.headers ?? {}, body: row.body }
  }
  if (!row.locked) throw new AppError([chassis.inFlight()], { headers: { 'retry-after': '1' } })
  return undefined
}

async function keep(tx: Tx, identity: Identity, answer: StoredAnswer): Promise<void> {
  await tx.execute(insertion(identity, answer))
}

function insertion({ subject, operation, key, bodyHash }: Identity, answer: StoredAnswer) {
  return sql`
    insert into idempotency_key (subject, operation, key, body_hash, status, headers, body)
    values (${subject}, ${operation}, ${key}, ${bodyHash},
      ${answer.status}, ${JSON.stringify(answer.headers)}::jsonb, ${answer.body})`
}

/** The effect was rolled back, so its refusal is kept by itself; false when there is a record. */
async function keepRefusal(
  postgres: Postgres,
  identity: Identity,
  answer: StoredAnswer,
): Promise<boolean> {
  return postgres.read(async tx => {
    const { rowCount } = await tx.execute(
      sql`${insertion(identity, answer)} on conflict do nothing`,
    )
    return rowCount === 1
  })
}

/** Refusals of the work are its answer; those of the key and failures are not. */
function isKept(error: unknown): error is AppError {
  const ofTheKey: readonly string[] = [
    chassis.inFlight().code,
    chassis.idempotencyKeyReused().code,
    chassis.idempotencyKeyRequired().code,
  ]
  return error instanceof AppError && error.status < 500 && !ofTheKey.includes(error.code)
}

function refusalAnswer(error: AppError, request: FastifyRequest): StoredAnswer {
  const context = { requestId: request.id, publicUrl: request.server.publicUrl }
  return {
    status: error.status,
    headers: { ...error.headers, 'content-type': problemType },
    body: renderProblem(error, context),
  }
}

function serialise(reply: FastifyReply, { status, headers = {}, body }: Answer): StoredAnswer {
  if (body === undefined) return { status, headers, body: null }
  // The serialiser of the route depends on the status.
  reply.code(status)
  const text = reply.serialize(body)
  return {
    status,
    headers: { ...headers, 'content-type': 'application/json; charset=utf-8' },
    body: typeof text === 'string' ? text : new TextDecoder().decode(text),
  }
}

/** Sends the bytes; a reply is a promise that ends with the response. */
function send(reply: FastifyReply, answer: StoredAnswer, isReplay: boolean): FastifyReply {
  reply.code(answer.status).headers(answer.headers)
  if (isReplay) reply.header('idempotent-replayed', 'true')
  return answer.body === null ? reply.send() : reply.send(answer.body)
}

/**
 * Deletes records that are older than 7 days, at most 1,000 of them.
 *
 * @returns how many were deleted; a full batch means that there may be more
 */
export async function sweepIdempotencyKeys(tx: Tx, now: Date): Promise<number> {
  const { rowCount } = await tx.execute(sql`
    delete from idempotency_key where ctid = any (array(
      select ctid from idempotency_key
      where created_at < ${now.toISOString()}::timestamptz - interval '7 days'
      order by created_at limit 1000 for update skip locked))`)
  return rowCount ?? 0
}
