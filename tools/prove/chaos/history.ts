import { setTimeout as delay } from 'node:timers/promises'
import { type Answer, type Ask, type Client, freshKey } from '../client.ts'

/** What became of a write, as its client knows it. */
export type Outcome =
  /** 2xx: from now on it must never be lost. */
  | 'acknowledged'
  /** 4xx: it has had no effect. */
  | 'refused'
  /** Nobody ever answered: it may have happened. */
  | 'unknown'

/** One write and what was answered. */
export interface Write {
  readonly name: string
  readonly outcome: Outcome
  /** How often it was sent. */
  readonly tries: number
  readonly answer?: Answer
}

/** What the clients of a run have seen. */
export interface History {
  readonly writes: { acknowledged: number; refused: number; unknown: number; tries: number }
  /** Statuses of refusals and failures, and codes of refusals, with their numbers. */
  readonly answers: Map<string, number>
  /** Ids of orders that were acknowledged. */
  readonly orders: Set<string>
  /** Two answers to one key that name different orders, and whatever else contradicts itself. */
  readonly contradictions: string[]
  /** Units that were acknowledged as delivered to the stock, and those of which nobody knows. */
  readonly delivered: { acknowledged: number; unknown: number }
  /** How long a journey took from its first request to its end, in milliseconds. */
  readonly journeysMs: number[]
  journeys: { begun: number; ended: number; givenUp: number; notBegun: number }
}

export function createHistory(): History {
  return {
    writes: { acknowledged: 0, refused: 0, unknown: 0, tries: 0 },
    answers: new Map(),
    orders: new Set(),
    contradictions: [],
    delivered: { acknowledged: 0, unknown: 0 },
    journeysMs: [],
    journeys: { begun: 0, ended: 0, givenUp: 0, notBegun: 0 },
  }
}

/** A write is given up after so long without an answer. */
const patienceMs = 180_000
/** A request is sent again when it was not answered for so long. */
const requestMs = 8_000

/**
 * Sends a write with one key until somebody answers, and notes what its client knows then.
 *
 * @param ask is sent with an `Idempotency-Key`, unless the method is idempotent by itself
 */
export async function write(
  { writes, answers }: History,
  client: Client,
  [method, path]: readonly ['POST' | 'PUT' | 'PATCH' | 'DELETE', string],
  ask: Ask,
): Promise<Write> {
  const name = `${method} ${path.replaceAll(/[0-9a-f-]{36}/g, '{id}')}`
  const sent: Ask = { timeoutMs: requestMs, ...(method === 'POST' && { key: freshKey() }), ...ask }
  const until = performance.now() + patienceMs
  for (let tries = 1; ; tries += 1) {
    writes.tries += 1
    const answer = await client.ask(method, path, sent).catch(() => undefined)
    if (answer !== undefined && !isTemporary(answer)) {
      const outcome = answer.status < 300 ? 'acknowledged' : 'refused'
      writes[outcome] += 1
      if (outcome === 'refused') tally(answers, `${name} ${answer.status} ${answer.body?.code}`)
      return { name, outcome, tries, answer }
    }
    tally(answers, answer === undefined ? 'no answer' : String(answer.status))
    if (performance.now() > until) {
      writes.unknown += 1
      return { name, outcome: 'unknown', tries }
    }
    await delay(100 + Math.random() * 400)
  }
}

/** Sends a read until somebody answers. @throws after three minutes */
export async function read(
  { answers }: History,
  client: Client,
  path: string,
  ask: Ask,
): Promise<Answer> {
  const until = performance.now() + patienceMs
  for (;;) {
    const answer = await client
      .ask('GET', path, { timeoutMs: requestMs, ...ask })
      .catch(() => undefined)
    if (answer !== undefined && !isTemporary(answer)) return answer
    tally(answers, answer === undefined ? 'no answer' : String(answer.status))
    if (performance.now() > until) throw new Error(`GET ${path} was not answered.`)
    await delay(100 + Math.random() * 400)
  }
}

function isTemporary({ status, body }: Answer): boolean {
  return status >= 500 || status === 429 || body?.code === 'request.in_flight'
}

function tally(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1)
}
