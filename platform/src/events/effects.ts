import { EventEmitter } from 'node:events'
import { sql } from 'drizzle-orm'
import { v7 } from 'uuid'
import { onCommit, type Postgres, type Tx, writeTogether } from '../data/postgres.ts'
import { currentFlow, type Flow, newTraceparent, withFlow } from '../process/flow.ts'
import { inTurns } from '../process/in-turns.ts'
import type { Logger } from '../process/logger.ts'
import type { Metrics } from '../process/metrics.ts'

// An external effect (a mail, a call of the payment provider) is a row with a state, written in the
// transaction that decides it and carried out by a worker:
//
//   pending → sending → sent | failed          certain outcomes
//             sending → ambiguous | pending     a crash or a lost answer: the kind's policy decides
//   suppressed                                  written by a replay, never carried out
//
// `sending` commits before the attempt, so an attempt whose outcome is unknown is always visible.

/** Fires after a commit that wrote effects; workers of this process listen. */
const effectSignal = new EventEmitter()
effectSignal.setMaxListeners(0)

/** An effect that waits. */
export interface NewEffect {
  readonly kind: string
  /** Two effects with one key are one effect. */
  readonly dedupeKey: string
  /** JSON. */
  readonly payload: object
  /** Not before this moment; at once by default. */
  readonly notBefore?: Date
}

/** An attempt whose outcome the other side told: trying again cannot double it. */
export class EffectRefused extends Error {
  override readonly name = 'EffectRefused'
  /** Whether another attempt can succeed. */
  readonly isFinal: boolean

  constructor(message: string, options: { readonly isFinal: boolean; readonly cause?: unknown }) {
    super(message, { cause: options.cause })
    this.isFinal = options.isFinal
  }
}

export type EffectOutcome = 'sent' | 'failed' | 'ambiguous'

/** One attempt of an effect. */
export interface EffectAttempt {
  /** Stable over attempts: source of message ids and provider idempotency keys. */
  readonly id: string
  readonly payload: unknown
  /** From 1. */
  readonly attempt: number
  /** Fires at the deadline of the attempt. */
  readonly signal: AbortSignal
}

/** What a kind of effect does. */
export interface EffectKind {
  readonly kind: string
  /** What an attempt with an unknown outcome means: repeat it, or leave it to a person. */
  readonly onUnknown: 'retry' | 'ask'
  readonly attemptsMax: number
  /** @throws EffectRefused for a certain no; any other error leaves the outcome unknown */
  run(attempt: EffectAttempt): Promise<void>
  /** Written together with a final state, e.g. an event that tells of it. */
  readonly settled?: (tx: Tx, attempt: EffectAttempt, outcome: EffectOutcome) => Promise<void>
}

/** Notes an effect in the transaction that decides it; the same dedupe key twice is one effect. */
export function enqueueEffect(tx: Tx, effect: NewEffect): void {
  const flow = currentFlow()
  const isSuppressed = flow?.suppressEffects === true || flow?.replayId !== undefined
  enqueue(tx, {
    id: v7(),
    kind: effect.kind,
    dedupeKey: effect.dedupeKey,
    payload: JSON.stringify(effect.payload),
    notBefore: effect.notBefore?.toISOString() ?? null,
    state: isSuppressed ? 'suppressed' : 'pending',
    headers: JSON.stringify(flow ?? {}),
  })
}

interface QueuedEffect {
  readonly id: string
  readonly kind: string
  readonly dedupeKey: string
  readonly payload: string
  readonly notBefore: string | null
  readonly state: 'pending' | 'suppressed'
  readonly headers: string
}

const enqueue = writeTogether<QueuedEffect>(async (tx, effects) => {
  const column = <T>(of: (effect: QueuedEffect) => T) => sql.param(effects.map(of))
  await tx.execute(sql`
    insert into effect (id, kind, dedupe_key, payload, next_at, state, headers)
    select id, kind, dedupe_key, payload, coalesce(not_before, now()), state, headers from unnest(
      ${column(e => e.id)}::uuid[], ${column(e => e.kind)}::text[],
      ${column(e => e.dedupeKey)}::text[], ${column(e => e.payload)}::jsonb[],
      ${column(e => e.notBefore)}::timestamptz[], ${column(e => e.state)}::text[],
      ${column(e => e.headers)}::jsonb[]
    ) e(id, kind, dedupe_key, payload, not_before, state, headers)
    on conflict (dedupe_key) do nothing`)
  onCommit(tx, () => effectSignal.emit('committed'))
})

const pollMs = 1_000
const attemptMs = 15_000
/** An attempt that is older than this has lost its process. */
const lostMs = 30_000
const backOffMs = { first: 1_000, max: 300_000 }

interface EffectRow extends Record<string, unknown> {
  readonly id: string
  readonly kind: string
  readonly payload: unknown
  readonly attempts: number
  readonly headers: Partial<Flow>
}

export interface EffectsWorker {
  start(): void
  /** Waits for the attempts in work. */
  stop(): Promise<void>
}

/** Carries out the effects of a service, at most `concurrency` at the same time. */
export function createEffectsWorker(options: {
  readonly postgres: Postgres
  readonly kinds: readonly EffectKind[]
  readonly logger: Logger
  readonly metrics: Metrics
  readonly concurrency?: number
}): EffectsWorker {
  const { postgres, logger, metrics } = options
  const kinds = new Map(options.kinds.map(kind => [kind.kind, kind]))
  const done = metrics.counter('effects_total', 'Attempts of effects.', ['kind', 'outcome'])
  const concurrency = options.concurrency ?? 10
  let isStopping = false
  let isDirty = false
  let wake = (): void => undefined
  const onCommitted = () => {
    isDirty = true
    wake()
  }

  const inFlight = new Set<Promise<void>>()

  /**
   * Claims no more than is attempted at once: a process that dies leaves only real attempts in doubt.
   * A slow attempt holds its own slot and nothing else.
   *
   * @returns whether every free slot was filled, so that more may wait
   */
  async function fillSlots(): Promise<boolean> {
    const free = concurrency - inFlight.size
    const rows = await postgres.read(tx => claim(tx, [...kinds.keys()], free))
    for (const row of rows) {
      const running = attempt(row).finally(() => {
        inFlight.delete(running)
        wake()
      })
      inFlight.add(running)
    }
    return rows.length === free
  }

  async function attempt(row: EffectRow): Promise<void> {
    const kind = kinds.get(row.kind)
    if (kind === undefined) return
    const { id, payload } = row
    const tried = { id, payload, attempt: row.attempts, signal: AbortSignal.timeout(attemptMs) }
    const flow: Flow = {
      correlationId: row.headers.correlationId ?? id,
      causationId: row.headers.causationId ?? id,
      actor: row.headers.actor ?? 'service:effects',
      traceparent: row.headers.traceparent ?? newTraceparent(),
    }
    const of = { kind, tried, flow }
    try {
      await withFlow(flow, async () => {
        try {
          await kind.run(tried)
          await settle({ ...of, outcome: 'sent', error: undefined })
        } catch (error) {
          await settleFailure(of, error)
        }
      })
    } catch (error) {
      // The row stays in `sending` and is found again once it counts as lost.
      logger.warn({ err: error, kind: row.kind }, 'effect not settled')
    }
  }

  async function settleFailure(of: Tried, error: unknown): Promise<void> {
    const { kind, tried } = of
    logger.warn({ err: error, kind: kind.kind, attempt: tried.attempt }, 'effect attempt failed')
    const isCertain = error instanceof EffectRefused
    if (!isCertain && kind.onUnknown === 'ask') {
      return settle({ ...of, outcome: 'ambiguous', error })
    }
    if ((isCertain && error.isFinal) || tried.attempt >= kind.attemptsMax) {
      return settle({ ...of, outcome: 'failed', error })
    }
    const ms = Math.min(backOffMs.first * 2 ** (tried.attempt - 1), backOffMs.max)
    await postgres.transaction(tx =>
      tx.execute(sql`
        update effect set state = 'pending', error = ${describe(error)}, updated_at = now(),
          next_at = now() + make_interval(secs => ${(ms * (0.5 + Math.random() / 2)) / 1000})
        where id = ${tried.id} and state = 'sending'`),
    )
    done.inc({ kind: kind.kind, outcome: 'retried' })
  }

  const settle = inTurns<Settlement>(async settlements => {
    await postgres.transaction(async tx => {
      const noted = await noteOutcomes(tx, settlements)
      for (const { kind, tried, outcome, flow } of settlements) {
        if (!noted.has(tried.id)) continue
        await withFlow(flow, async () => kind.settled?.(tx, tried, outcome))
      }
    })
    for (const { kind, outcome } of settlements) done.inc({ kind: kind.kind, outcome })
  })

  async function run(): Promise<void> {
    let mayBeMore = true
    let pollAt = performance.now()
    while (!isStopping) {
      const isDue = performance.now() >= pollAt
      if (isDue || ((isDirty || mayBeMore) && inFlight.size < concurrency)) {
        isDirty = false
        if (isDue) pollAt = performance.now() + pollMs
        try {
          if (isDue) await postgres.read(tx => giveUpLost(tx, [...kinds.values()]))
          mayBeMore = inFlight.size >= concurrency || (await fillSlots())
        } catch (error) {
          logger.warn({ err: error }, 'effects not claimed')
          mayBeMore = false
        }
      } else {
        await sleep(pollAt - performance.now())
      }
    }
    await Promise.all(inFlight)
  }

  async function sleep(ms: number): Promise<void> {
    await new Promise<void>(resolve => {
      const timer = setTimeout(resolve, ms)
      wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
    wake = () => undefined
  }

  let running: Promise<void> = Promise.resolve()
  return {
    start() {
      effectSignal.on('committed', onCommitted)
      running = run()
    },
    async stop() {
      isStopping = true
      effectSignal.off('committed', onCommitted)
      wake()
      await running
    },
  }
}

/** An attempt in the story that its effect belongs to. */
interface Tried {
  readonly kind: EffectKind
  readonly tried: EffectAttempt
  readonly flow: Flow
}

interface Settlement extends Tried {
  readonly outcome: EffectOutcome
  /** What has failed; undefined when nothing has. */
  readonly error: unknown
}

/** Writes final states. @returns the effects that were waited for: others are decided already */
async function noteOutcomes(tx: Tx, settlements: readonly Settlement[]): Promise<Set<string>> {
  const column = <T>(of: (settlement: Settlement) => T) => sql.param(settlements.map(of))
  const { rows } = await tx.execute<{ id: string }>(sql`
    update effect e set state = o.state, updated_at = now(), error = o.error
    from unnest(
      ${column(({ tried }) => tried.id)}::uuid[], ${column(({ tried }) => tried.attempt)}::int[],
      ${column(({ outcome }) => outcome)}::text[],
      ${column(({ error }) => (error === undefined ? null : describe(error)))}::text[]
    ) o(id, attempts, state, error)
    where e.id = o.id and e.state = 'sending' and e.attempts = o.attempts
    returning e.id`)
  return new Set(rows.map(({ id }) => id))
}

/** Decides about effects whose process was lost in the middle of an attempt. */
async function giveUpLost(tx: Tx, kinds: readonly EffectKind[]): Promise<void> {
  const names = sql.param(kinds.map(({ kind }) => kind))
  const asking = sql.param(kinds.filter(k => k.onUnknown === 'ask').map(({ kind }) => kind))
  await tx.execute(sql`
    update effect set updated_at = now(), error = 'The process was lost during the attempt.',
      state = case when kind = any(${asking}::text[]) then 'ambiguous' else 'pending' end
    where state = 'sending' and next_at < now() and kind = any(${names}::text[])`)
}

/** Takes due rows. */
async function claim(tx: Tx, kinds: readonly string[], max: number): Promise<EffectRow[]> {
  const { rows } = await tx.execute<EffectRow>(sql`
    update effect set state = 'sending', attempts = attempts + 1, updated_at = now(),
      next_at = now() + make_interval(secs => ${lostMs / 1000})
    where id in (
      select id from effect where state = 'pending' and next_at <= now()
        and kind = any(${sql.param([...kinds])}::text[])
      order by next_at limit ${max} for update skip locked)
    returning id, kind, payload, attempts, headers`)
  return rows
}

function describe(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}`.slice(0, 500) : 'unknown'
}
