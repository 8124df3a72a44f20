import { fits, type LineProgress } from './progress.ts'
import { after, askRefundsAgain, same, settle, stopRequests } from './saga-moves.ts'
import type { At, Happening, Saga, State, Step, Timing } from './saga-state.ts'
import { type Rule, table } from './saga-table.ts'

// The checkout saga: what an order does about each thing that can happen to it, as one total table
// `state × event → state + what to publish`. A pair that is not listed is ignored and counted, which
// is the right answer to duplicates and late replies (O7). Every request that the saga publishes is
// an event of the order; catalog, payments and courses answer each, and answer again when asked again.
// Every order ends: each waiting state has a timer, and `cancelling` waits for both answers.
//
//   placed → awaiting_payment → committing → capturing → confirmed → completed
//      └──────────┴────────────────┴────────────┴────────────┴──→ cancelling → cancelled

/** What `at` and the table make of `happening`. */
export function step(saga: Saga, happening: Happening, at: At): Step {
  const rule = ruleOf(saga.state, happening.kind)
  const outcome: Step = rule === undefined ? { kind: 'ignored' } : rule.decide(saga, happening, at)
  if (outcome.kind === 'ignored') return outcome
  const isStuck = outcome.publish.some(({ kind }) => kind === 'order_stuck')
  return isStuck
    ? { ...outcome, saga: { ...outcome.saga, stuckAt: saga.stuckAt ?? at.now } }
    : outcome
}

/** The rule for a pair; undefined when the table does not list it. */
export function ruleOf(state: State, kind: Happening['kind']): Rule | undefined {
  // The rule of a kind is given the happening of that kind: the table's type keeps them together.
  // oxlint-disable-next-line no-unsafe-type-assertion
  return table[state][kind] as Rule | undefined
}

/** The saga of an order that was placed at `now`. */
export function placed(
  order: { readonly totalMinor: number; readonly lines: readonly LineProgress[] },
  now: Date,
  timing: Timing,
): Saga {
  return {
    ...order,
    state: 'placed',
    stockDone: false,
    moneyDone: false,
    capturedMinor: 0,
    refundedMinor: 0,
    refunds: [],
    lostDispute: null,
    intentId: null,
    declineCode: null,
    attemptsLeft: null,
    reason: null,
    cancelledBy: null,
    note: null,
    timerAt: after(now, timing.reserveSeconds),
    askedAt: now,
    stuckAt: null,
  }
}

/**
 * Asks for whatever the present state waits for once more, refunds that have failed included. Answers
 * are given again, so nothing happens twice; nothing is asked where only people are waited for.
 */
export function askAgain(saga: Saga, at: At): Step {
  switch (saga.state) {
    case 'awaiting_payment':
      return same(saga, [{ kind: 'payment_requested' }])
    case 'committing':
      return same(saga, [{ kind: 'stock_commit_requested' }])
    case 'capturing':
      return same(saga, [{ kind: 'capture_requested' }])
    case 'cancelling':
      return same(saga, stopRequests(saga))
    case 'confirmed':
    case 'completed': {
      const again = askRefundsAgain(
        saga,
        at,
        ({ state, lines }, asked) =>
          state === 'pending' || (state === 'failed' && fits(asked, lines)),
      )
      return again.requests.length === 0
        ? { kind: 'ignored' }
        : settle(again.saga, at, again.requests)
    }
    case 'placed':
    case 'cancelled':
      return { kind: 'ignored' }
  }
}
