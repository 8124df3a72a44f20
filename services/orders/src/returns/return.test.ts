import type { ShippedLine } from '@campus/contracts/events/orders'
import {
  asId,
  type CourseId,
  type OrderId,
  type RefundId,
  type ReturnId,
  type UserId,
} from '@campus/contracts/ids'
import { AppError } from '@campus/platform/errors'
import { array, assert, integer, property } from 'fast-check'
import { test } from 'tap'
import { amountOf, fits, type LineProgress, type Refund } from '../checkout/progress.ts'
import type { Saga } from '../checkout/saga-state.ts'
import {
  decideApproval,
  type ReceivedLine,
  type Return,
  type ReturnState,
  refundOf,
  requireReceivable,
  requireRejectable,
  requireReturnable,
  returnStates,
} from './return.ts'

const now = new Date('2026-02-01T00:00:00.000Z')
const daysAgo = (days: number) => new Date(now.getTime() - days * 86_400_000)
const window = { now, windowDays: 14 }

const mugs: LineProgress = {
  lineNo: 1,
  kind: 'physical',
  courseId: null,
  quantity: 3,
  totalMinor: 1_000,
  shipped: 3,
  delivered: 3,
  deliveredAt: daysAgo(14),
}
const course: LineProgress = {
  ...mugs,
  lineNo: 2,
  kind: 'course',
  courseId: asId<CourseId>('0193a1c0-0000-7000-8000-000000000094'),
  quantity: 2,
  totalMinor: 5_000,
  shipped: 0,
  delivered: 2,
}
const books: LineProgress = { ...mugs, lineNo: 3, delivered: 0, deliveredAt: null }

const saga: Saga = {
  state: 'completed',
  stockDone: false,
  moneyDone: false,
  totalMinor: 7_000,
  capturedMinor: 7_000,
  refundedMinor: 0,
  lines: [mugs, course, books],
  refunds: [],
  lostDispute: null,
  intentId: null,
  declineCode: null,
  attemptsLeft: null,
  reason: null,
  cancelledBy: null,
  note: null,
  timerAt: null,
  askedAt: daysAgo(20),
  stuckAt: null,
}

function returned(lines: readonly ShippedLine[], change: Partial<Return> = {}): Return {
  return {
    id: asId<ReturnId>('0193a1c0-0000-7000-8000-0000000000b1'),
    orderId: asId<OrderId>('0193a1c0-0000-7000-8000-0000000000b2'),
    userId: asId<UserId>('0193a1c0-0000-7000-8000-0000000000b3'),
    currency: 'EUR',
    state: 'requested',
    reason: 'too small',
    rejection: null,
    lines,
    received: [],
    refundId: null,
    refundMinor: null,
    requestedAt: now,
    decidedAt: null,
    receivedAt: null,
    closedAt: null,
    ...change,
  }
}

function refunded(
  quantity: number,
  amountMinor: number,
  change: Partial<Refund> = {},
  lineNo = 1,
): Refund {
  return {
    id: asId<RefundId>('0193a1c0-0000-7000-8000-0000000000c1'),
    returnId: null,
    state: 'succeeded',
    cause: 'staff',
    reason: 'scratched',
    lines: [{ lineNo, quantity, amountMinor, restockCount: 0 }],
    askedAt: now,
    ...change,
  }
}

const one = (quantity: number, lineNo = 1) => [{ lineNo, quantity }]
const refundId = asId<RefundId>('0193a1c0-0000-7000-8000-0000000000c2')

/** Codes of the reasons against something; none when it is not refused. */
function reasonsOf(decide: () => unknown): string[] {
  try {
    decide()
    return []
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    return error.reasons.map(({ code }) => code.replace('orders.', ''))
  }
}

const requests: readonly {
  readonly name: string
  readonly wanted: readonly ShippedLine[]
  readonly change?: Partial<Saga>
  readonly previous?: readonly Return[]
  readonly expected: readonly string[]
}[] = [
  { name: 'all units may be returned on the last day', wanted: one(3), expected: [] },
  {
    name: 'a line is too late a moment after its last day',
    wanted: one(1),
    change: { lines: [{ ...mugs, deliveredAt: new Date(daysAgo(14).getTime() - 1) }] },
    expected: ['return_too_late'],
  },
  {
    name: 'an order that is not paid has nothing to return',
    wanted: one(1),
    change: { state: 'cancelling' },
    expected: ['order_not_confirmed'],
  },
  { name: 'a line that is not there is unknown', wanted: one(1, 9), expected: ['line_unknown'] },
  {
    name: 'a line may be named once',
    wanted: [...one(1), ...one(1)],
    expected: ['line_repeated'],
  },
  {
    name: 'what has not arrived cannot be returned',
    wanted: one(1, 3),
    expected: ['line_not_delivered'],
  },
  {
    name: 'only units that have arrived can be returned',
    wanted: one(2),
    change: { lines: [{ ...mugs, delivered: 1 }] },
    expected: ['units_not_left'],
  },
  {
    name: 'units of an open return are not left',
    wanted: one(2),
    previous: [returned(one(2))],
    expected: ['units_not_left'],
  },
  {
    name: 'units of a refused return are left',
    wanted: one(3),
    previous: [returned(one(2), { state: 'rejected' })],
    expected: [],
  },
  {
    name: 'units that were announced and did not arrive are left',
    wanted: one(2),
    change: { refunds: [refunded(1, 333, { returnId: returned([]).id, cause: 'return' })] },
    previous: [
      returned(one(3), {
        state: 'closed',
        received: [{ lineNo: 1, quantity: 1, restock: true }],
        receivedAt: now,
        refundId,
      }),
    ],
    expected: [],
  },
  {
    name: 'units that staff has paid back are not left',
    wanted: one(1),
    change: { refunds: [refunded(3, 1_000)] },
    expected: ['units_not_left'],
  },
  {
    name: 'a lower price leaves all units',
    wanted: one(3),
    change: { refunds: [refunded(0, 500)] },
    expected: [],
  },
  {
    name: 'units of a return whose refund has failed are not left',
    wanted: one(1),
    change: {
      refunds: [refunded(3, 1_000, { state: 'failed', returnId: returned([]).id })],
    },
    previous: [
      returned(one(3), {
        state: 'refunding',
        received: [{ lineNo: 1, quantity: 3, restock: true }],
        receivedAt: now,
        refundId,
      }),
    ],
    expected: ['units_not_left'],
  },
  { name: 'a course is returned as a whole', wanted: one(2, 2), expected: [] },
  { name: 'a part of a course is none', wanted: one(1, 2), expected: ['course_not_whole'] },
  {
    name: 'courses and goods are returned separately',
    wanted: [...one(1), ...one(2, 2)],
    expected: ['return_mixed'],
  },
  {
    name: 'an order has at most 50 returns',
    wanted: one(1),
    previous: Array.from({ length: 50 }, () => returned(one(1), { state: 'rejected' })),
    expected: ['return_too_many'],
  },
  {
    name: 'every reason is told',
    wanted: [...one(4), ...one(1, 2), ...one(1, 3), ...one(1, 4)],
    change: { state: 'cancelled' },
    expected: [
      'order_not_confirmed',
      'units_not_left',
      'course_not_whole',
      'line_not_delivered',
      'line_unknown',
      'return_mixed',
    ],
  },
]

for (const { name, wanted, change = {}, previous = [], expected } of requests) {
  test(name, async t => {
    const decide = () => requireReturnable({ ...saga, ...change }, previous, wanted, window)
    t.same(reasonsOf(decide), expected)
  })
}

test('each state allows what the way of a return says, and nothing else', async t => {
  const allowed: Record<'approve' | 'reject' | 'receive', ReturnState[]> = {
    approve: [],
    reject: [],
    receive: [],
  }
  const arrived = [{ lineNo: 1, quantity: 1, restock: true }]
  for (const state of returnStates) {
    const given = returned(one(1), { state })
    if (reasonsOf(() => decideApproval(saga, given)).length === 0) allowed.approve.push(state)
    if (reasonsOf(() => requireRejectable(given)).length === 0) allowed.reject.push(state)
    if (reasonsOf(() => requireReceivable(given, arrived)).length === 0) {
      allowed.receive.push(state)
    }
  }
  t.same(allowed, {
    approve: ['requested'],
    reject: ['requested', 'approved'],
    receive: ['approved'],
  })
})

test('goods are waited for, a course is paid back at once', async t => {
  t.equal(decideApproval(saga, returned(one(1))), 'await_goods')
  t.equal(decideApproval(saga, returned(one(2, 2))), 'refund')
})

test('what arrives is what was announced, or less; a line may arrive in two conditions', async t => {
  const given = returned(one(3), { state: 'approved' })
  const line = (quantity: number, restock: boolean, lineNo = 1): ReceivedLine => {
    return { lineNo, quantity, restock }
  }
  const check = (arrived: ReceivedLine[]) => reasonsOf(() => requireReceivable(given, arrived))
  t.same(check([line(1, true)]), [])
  t.same(check([line(1, true), line(2, false)]), [])
  t.same(check([line(2, true), line(2, false)]), ['units_not_left'])
  t.same(check([line(1, true), line(1, true)]), ['line_repeated'])
  t.same(check([line(1, true, 2)]), ['line_unknown'])
})

test('the returns of a line together are exactly what is left of it, however they are cut', async t => {
  assert(
    property(
      integer({ min: 0, max: 100_000 }),
      array(integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 12 }),
      integer({ min: 0, max: 99_999 }),
      (total, parts, lowered) => {
        const quantity = parts.reduce((sum, part) => sum + part, 0)
        const rebate = lowered % (total + 1)
        const line = { ...mugs, quantity, shipped: quantity, delivered: quantity }
        const refunds = [refunded(0, rebate)]
        const lines = [{ ...line, totalMinor: total }]
        const shares: number[] = []
        for (const part of parts) {
          const state = { ...saga, capturedMinor: total, lines, refunds }
          const back = refundOf(state, one(part))
          t.ok(fits(state, back), 'it always fits')
          const amount = amountOf({ lines: back })
          // No unit is worth a cent more than another one.
          const least = Math.floor((total - rebate) / quantity)
          t.ok(amount >= least * part && amount <= (least + 1) * part, 'in proportion')
          shares.push(amount)
          refunds.push(refunded(part, amount, { cause: 'return' }))
        }
        t.equal(
          shares.reduce((sum, share) => sum + share, 0),
          total - rebate,
        )
      },
    ),
    { numRuns: 200 },
  )
})

test('a refund that has failed keeps its share', async t => {
  const failed = refunded(1, 334, { state: 'failed', returnId: returned([]).id, cause: 'return' })
  const lines = refundOf({ ...saga, refunds: [failed] }, one(2))
  t.equal(amountOf({ lines }), 666)
})

test('nothing is paid back twice: what staff has given up is left out', async t => {
  t.same(refundOf({ ...saga, refunds: [refunded(3, 1_000)] }, one(2)), [])
  const lines = refundOf({ ...saga, refunds: [refunded(2, 600)] }, one(3))
  t.same(lines, [{ lineNo: 1, quantity: 1, amountMinor: 400, restockCount: 0 }])
})
