// The saga alone, under whatever may happen in whatever order. What catalog, payments and the provider make
// of its requests is the simulator's part: tools/prove/sim.
import { deepEqual, equal, fail, ok } from 'node:assert/strict'
import {
  asId,
  type CourseId,
  type FulfillmentId,
  type IntentId,
  type RefundId,
} from '@campus/contracts/ids'
import { array, assert, constantFrom, nat, property, record } from 'fast-check'
import { test } from 'tap'
import { askedMinor, type LineProgress, restOf, undelivered } from './progress.ts'
import { placed, ruleOf, step } from './saga.ts'
import { type Happening, happenings, type Request, type Saga, type Timing } from './saga-state.ts'

const timing: Timing = {
  reserveSeconds: 300,
  paymentSeconds: 900,
  commitSeconds: 600,
  captureSeconds: 600,
  captureGiveUpSeconds: 3_600,
  cancelSeconds: 600,
  courseSeconds: 900,
  courseGiveUpSeconds: 86_400,
  deliverySeconds: 1_209_600,
  refundSeconds: 86_400,
}
const buyer = { type: 'user', id: 'buyer' } as const
const goods: LineProgress = {
  lineNo: 1,
  kind: 'physical',
  courseId: null,
  quantity: 2,
  totalMinor: 2_001,
  shipped: 0,
  delivered: 0,
  deliveredAt: null,
}
const course: LineProgress = {
  ...goods,
  lineNo: 2,
  kind: 'course',
  courseId: asId<CourseId>('0193a1c0-0000-7000-8000-0000000000a3'),
  quantity: 1,
  totalMinor: 999,
}
const carts = [[goods], [course], [goods, course], [{ ...course, totalMinor: 0 }]] as const

/** What others answer; people and timers may repeat themselves on purpose. */
const answers = new Set<Happening['kind']>(
  happenings.filter(kind => !['cancel', 'timer', 'shipped', 'delivered'].includes(kind)),
)

/** An order, its clock, and what it has published. */
class Order {
  saga: Saga
  now = Date.parse('2026-01-01T00:00:00.000Z')
  readonly published: Request['kind'][] = []
  readonly met: Set<string>
  #ids = 0

  constructor(lines: readonly LineProgress[], met: Set<string>) {
    const totalMinor = lines.reduce((sum, line) => sum + line.totalMinor, 0)
    this.saga = placed({ totalMinor, lines }, new Date(this.now), timing)
    this.met = met
  }

  id(): string {
    this.#ids += 1
    return `0193a1c0-0000-7000-9000-${String(this.#ids).padStart(12, '0')}`
  }

  tell(happening: Happening): void {
    const before = this.saga
    const at = { now: new Date(this.now), timing, refundId: asId<RefundId>(this.id()) }
    const outcome = step(before, happening, at)
    if (outcome.kind === 'ignored') return
    this.met.add(`${before.state} ${happening.kind}`)
    ok(ruleOf(before.state, happening.kind)?.next.includes(outcome.saga.state), 'as the table says')
    this.saga = outcome.saga
    this.published.push(...outcome.publish.map(({ kind }) => kind))
    if (answers.has(happening.kind)) {
      const again = step(this.saga, happening, at)
      if (again.kind === 'stepped') {
        deepEqual(again.saga, this.saga, `O7: ${happening.kind} twice changes nothing`)
        deepEqual(again.publish, [], `O7: ${happening.kind} twice asks for nothing`)
      }
    }
    this.requireSound(before)
  }

  requireSound(before: Saga): void {
    const { state, timerAt, lines, capturedMinor, refundedMinor } = this.saga
    ok(before.state !== 'cancelled' || state === 'cancelled', 'a cancelled order stays so')
    ok(refundedMinor <= capturedMinor, 'O6: refunded ≤ captured')
    ok(askedMinor(this.saga) <= capturedMinor, 'O6: asked ≤ captured')
    for (const line of lines) {
      const rest = restOf(this.saga, line)
      ok(rest.amountMinor >= 0 && rest.quantity >= 0 && rest.unshipped >= 0, 'O6: per line')
      ok(line.delivered <= line.shipped || line.kind === 'course', 'delivered ≤ shipped')
    }
    const isStanding = state === 'confirmed' || state === 'completed' || state === 'cancelled'
    ok(isStanding || timerAt !== null, `O1: ${state} waits with a timer`)
    for (const once of ['order_confirmed', 'order_completed', 'order_cancelled'] as const) {
      ok(this.published.filter(kind => kind === once).length <= 1, `${once} is published once`)
    }
  }

  /** Everybody answers as well as they can, until nothing is to come. */
  finish(): void {
    for (let round = 0; round < 60; round += 1) {
      const next = this.#bestNews()
      if (next === undefined) return this.#requireEnd()
      this.tell(next)
    }
    fail(`no end: ${this.saga.state}`)
  }

  #bestNews(): Happening | undefined {
    const { saga } = this
    const pending = saga.refunds.find(({ state }) => state === 'pending')
    switch (saga.state) {
      case 'placed':
        return { kind: 'stock_reserved' }
      case 'awaiting_payment':
        return { kind: 'payment_authorized' }
      case 'committing':
        return { kind: 'stock_committed' }
      case 'capturing':
        return { kind: 'payment_captured' }
      case 'cancelling':
        return saga.stockDone
          ? { kind: 'payment_voided', refundedMinor: saga.capturedMinor - saga.refundedMinor }
          : { kind: 'stock_released' }
      case 'confirmed':
      case 'completed': {
        if (pending !== undefined) return { kind: 'refund_succeeded', refundId: pending.id }
        return saga.state === 'confirmed' ? this.#delivery() : undefined
      }
      case 'cancelled':
        return undefined
    }
  }

  #delivery(): Happening | undefined {
    const waiting = this.saga.lines.find(
      line =>
        line.kind === 'course' && line.delivered === 0 && restOf(this.saga, line).quantity > 0,
    )
    if (waiting !== undefined) return { kind: 'enrollment_activated', lineNo: waiting.lineNo }
    const [line] = undelivered(this.saga)
    if (line === undefined) return undefined
    const fulfillmentId = asId<FulfillmentId>(this.id())
    const { unshipped } = restOf(this.saga, line)
    const underWay = line.shipped - line.delivered
    const { lineNo } = line
    if (underWay > 0) {
      return { kind: 'delivered', fulfillmentId, lines: [{ lineNo, quantity: underWay }] }
    }
    return unshipped > 0
      ? { kind: 'shipped', fulfillmentId, lines: [{ lineNo, quantity: unshipped }] }
      : undefined
  }

  #requireEnd(): void {
    const { state, stuckAt, refunds, lostDispute, moneyDone } = this.saga
    const isForPeople =
      stuckAt !== null &&
      (refunds.some(one => one.state === 'failed') || lostDispute !== null || moneyDone)
    ok(state === 'completed' || state === 'cancelled' || isForPeople, `O1: it stays ${state}`)
    const told = this.published.includes('order_cancelled')
    equal(told, state === 'cancelled', 'the end is told')
  }
}

/** The happening of a kind that could come now; `dice` decides what is open. */
function happeningOf(kind: Happening['kind'], order: Order, dice: number): Happening {
  const { saga } = order
  const line = saga.lines[dice % saga.lines.length] ?? goods
  // Payments answers each request once: a refund that has failed for good does not succeed later.
  const open = saga.refunds.filter(({ state }) => state === 'pending')
  const refundId = open[dice % Math.max(1, open.length)]?.id ?? asId<RefundId>(order.id())
  const parcel = {
    fulfillmentId: asId<FulfillmentId>(order.id()),
    lines: [{ lineNo: line.lineNo, quantity: 1 + (dice % 2) }],
  }
  switch (kind) {
    case 'stock_rejected':
      return { kind, reason: 'out_of_stock' }
    case 'intent_created':
      return { kind, intentId: asId<IntentId>(order.id()) }
    case 'payment_declined':
      return { kind, code: 'insufficient_funds', attemptsLeft: dice % 3 }
    case 'payment_voided':
      return { kind, refundedMinor: saga.capturedMinor - saga.refundedMinor }
    case 'enrollment_activated':
      return { kind, lineNo: line.lineNo }
    case 'enrollment_rejected':
      return { kind, lineNo: line.lineNo, reason: 'already_enrolled' }
    case 'shipped':
    case 'delivered':
      return { kind, ...parcel }
    case 'refund': {
      const amountMinor = 1 + (dice % 2_500)
      const lines = [{ lineNo: line.lineNo, quantity: dice % 3, amountMinor, restockCount: 0 }]
      const cause = 'staff' as const
      return {
        kind,
        refundId: asId<RefundId>(order.id()),
        returnId: null,
        cause,
        reason: 'kind',
        lines,
      }
    }
    case 'refund_succeeded':
      return { kind, refundId }
    case 'refund_failed':
      return { kind, refundId, isFinal: dice % 2 === 0 }
    case 'dispute_lost':
      return {
        kind,
        refundId: asId<RefundId>(order.id()),
        amountMinor: saga.capturedMinor - saga.refundedMinor,
      }
    case 'cancel':
      return { kind, by: buyer }
    case 'stock_reserved':
    case 'stock_committed':
    case 'stock_commit_rejected':
    case 'stock_released':
    case 'reservation_expired':
    case 'payment_authorized':
    case 'payment_captured':
    case 'capture_failed':
    case 'timer':
      return { kind }
  }
}

const news = record({
  kind: constantFrom(...happenings),
  dice: nat({ max: 10_000 }),
  waitSeconds: constantFrom(0, 0, 1, 600, 4_000, 90_000),
})

test('whatever happens in whatever order, refunds stay within what was paid, and every order can end', async t => {
  const met = new Set<string>()
  const ends = new Map<string, number>()
  assert(
    property(
      constantFrom(...carts),
      nat({ max: 4 }),
      array(news, { maxLength: 60, size: 'max' }),
      (cart, prelude, events) => {
        const order = new Order(cart, met)
        // Most nonsense is ignored, so some runs begin further on.
        const way = [
          'stock_reserved',
          'payment_authorized',
          'stock_committed',
          'payment_captured',
        ] as const
        for (const kind of way.slice(0, prelude)) order.tell({ kind })
        for (const { kind, dice, waitSeconds } of events) {
          order.now += waitSeconds * 1_000
          order.tell(happeningOf(kind, order, dice))
        }
        order.finish()
        ends.set(order.saga.state, (ends.get(order.saga.state) ?? 0) + 1)
      },
    ),
    { numRuns: 20_000 },
  )
  t.comment(JSON.stringify(Object.fromEntries(ends)))
  t.ok((ends.get('completed') ?? 0) > 100, 'many orders complete')
  t.ok((ends.get('cancelled') ?? 0) > 100, 'many orders are cancelled')
  t.ok(met.size >= 40, `${met.size} pairs of state and event had an effect`)
})
