import { asId, type OrderId, type ReservationId, type VariantId } from '@campus/contracts/ids'
import { test } from 'tap'
import {
  answerOf,
  decideCommit,
  decideExpiry,
  decideRelease,
  decideReservation,
  decideRestock,
  type Reservation,
  type ReservationStep,
} from './reservation.ts'

const now = new Date('2026-01-01T00:00:00.000Z')
const later = new Date('2026-01-01T00:20:00.000Z')
const mug = asId<VariantId>('0193a1c0-0000-7000-8000-000000000012')
const cup = asId<VariantId>('0193a1c0-0000-7000-8000-000000000013')
const line = (lineNo: number, variantId: VariantId, quantity: number) => {
  return { lineNo, variantId, quantity, tracked: true, restocked: 0 }
}
const wanted = {
  id: asId<ReservationId>('0193a1c0-0000-7000-8000-000000000014'),
  orderId: asId<OrderId>('0193a1c0-0000-7000-8000-000000000021'),
  expiresAt: later,
  lines: [line(1, mug, 2), line(2, cup, 1)],
}
const inState = (state: Reservation['state']): Reservation => ({
  ...wanted,
  state,
  rejection: null,
})
const enough = new Map([
  [mug, 5],
  [cup, 5],
])
const none = new Map([
  [mug, 5],
  [cup, 0],
])

function deeds({ reservation, reserve, move, answer }: ReservationStep) {
  return {
    state: reservation.state,
    held: reserve.get(mug) ?? 0,
    moved: move.get(mug) ?? 0,
    answer: answer?.definition.type.split('.')[1],
  }
}

const rows = [
  [
    'units that are there are held',
    decideReservation(wanted, [], enough),
    'held',
    2,
    0,
    'stock_reserved',
  ],
  [
    'one missing unit holds nothing (C3)',
    decideReservation(wanted, [], none),
    'rejected',
    0,
    0,
    'stock_rejected',
  ],
  [
    'held units are sold',
    decideCommit(inState('held'), none),
    'committed',
    -2,
    -2,
    'stock_committed',
  ],
  [
    'a sale asked for again is answered again',
    decideCommit(inState('committed'), none),
    'committed',
    0,
    0,
    'stock_committed',
  ],
  [
    'an expired hold is taken again when the units are there (C4)',
    decideCommit(inState('expired'), enough),
    'committed',
    0,
    -2,
    'stock_committed',
  ],
  [
    'an expired hold is refused when a unit is gone (C4)',
    decideCommit(inState('expired'), none),
    'expired',
    0,
    0,
    'stock_commit_rejected',
  ],
  [
    'what was released is never sold',
    decideCommit(inState('released'), enough),
    'released',
    0,
    0,
    'stock_commit_rejected',
  ],
  ['held units are let go of', decideRelease(inState('held')), 'released', -2, 0, 'stock_released'],
  ['sold units come back', decideRelease(inState('committed')), 'returned', 0, 2, 'stock_released'],
  ['units come back once', decideRelease(inState('returned')), 'returned', 0, 0, 'stock_released'],
  [
    'an expired hold has nothing to give',
    decideRelease(inState('expired')),
    'released',
    0,
    0,
    'stock_released',
  ],
  [
    'a hold that is too old is let go of',
    decideExpiry(inState('held'), later),
    'expired',
    -2,
    0,
    'reservation_expired',
  ],
  ['a hold in its time stays', decideExpiry(inState('held'), now), 'held', 0, 0, undefined],
  ['a sale never expires', decideExpiry(inState('committed'), later), 'committed', 0, 0, undefined],
] as const

for (const [guarantee, step, state, held, moved, answer] of rows) {
  test(guarantee, async t => {
    t.same(deeds(step), { state, held, moved, answer })
  })
}

test('refunded units come back once, and a cancellation gives back only the rest', async t => {
  const first = decideRestock(inState('committed'), [{ lineNo: 1, count: 1 }])
  t.same(deeds(first), { state: 'committed', held: 0, moved: 1, answer: undefined })
  const more = decideRestock(first.reservation, [{ lineNo: 1, count: 9 }])
  t.equal(more.move.get(mug), 1, 'never more than was sold')
  const rest = decideRelease(first.reservation)
  t.same([rest.move.get(mug), rest.move.get(cup)], [1, 1])
  t.equal(decideRestock(rest.reservation, [{ lineNo: 1, count: 1 }]).move.size, 0)
})

test('a reservation asked for again is answered from its state', async t => {
  const answer = (state: Reservation['state']) => answerOf(inState(state)).definition.type
  for (const state of ['held', 'committed'] as const) {
    t.equal(answer(state), 'catalog.stock_reserved.v1', state)
  }
  for (const state of ['returned', 'released', 'expired', 'rejected'] as const) {
    t.equal(answer(state), 'catalog.stock_rejected.v1', state)
  }
})
