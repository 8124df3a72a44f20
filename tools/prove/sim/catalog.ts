import { stockAdjusted, stockCommitRejected, stockReleased } from '@campus/contracts/events/catalog'
import {
  orderPlaced,
  orderRefunded,
  stockCommitRequested,
  stockReleaseRequested,
} from '@campus/contracts/events/orders'
import type { MovementId, OrderId, ReservationId, VariantId } from '@campus/contracts/ids'
import type { MovementReason } from '../../../services/catalog/src/stock/movement.ts'
import {
  answerOf,
  decideCommit,
  decideExpiry,
  decideRelease,
  decideReservation,
  decideRestock,
  type Reservation,
  type ReservationStep,
  refusalsOf,
  wantedOf,
} from '../../../services/catalog/src/stock/reservation.ts'
import { type Consumer, createConsumer, type Did, on } from './bus.ts'
import { createDatabase, type Database, type Fate, type Tx } from './database.ts'
import { must, short, type World } from './world.ts'

// The catalog's stock. Decisions are the service's own; around them stands what its SQL does: the
// counters of `stock` with their CHECK, and the unique index over the movements of an order.

/** A row of `stock`. */
export interface Stock {
  readonly onHand: number
  readonly reserved: number
}

/** A row of `movement`. */
export interface Moved {
  readonly variantId: VariantId
  readonly delta: number
  readonly reason: MovementReason
}

export interface Catalog {
  readonly db: Database
  readonly consumer: Consumer
  readonly stock: Map<VariantId, Stock>
  readonly movements: Map<string, Moved>
  readonly reservations: Map<OrderId, Reservation>
  readonly archived: Set<VariantId>
  /** The job that lets go of what was held too long. */
  expire(fate: Fate): Did
  /** Staff corrects the stock of a variant, unless more is reserved than would be left. */
  adjust(variantId: VariantId, delta: number): Did
  /** When the next reservation ends. */
  nextDue(): Date | undefined
}

/** A catalog that has so many units of each variant; others never run out. */
export function createCatalog(world: World, counts: ReadonlyMap<VariantId, number>): Catalog {
  const db = createDatabase(world, 'catalog')
  const stock = new Map<VariantId, Stock>()
  const movements = new Map<string, Moved>()
  const reservations = new Map<OrderId, Reservation>()
  const archived = new Set<VariantId>()

  function change(tx: Tx, variantId: VariantId, delta: Stock): void {
    const before = stock.get(variantId) ?? { onHand: 0, reserved: 0 }
    const onHand = before.onHand + delta.onHand
    const reserved = before.reserved + delta.reserved
    must(reserved >= 0 && reserved <= onHand, `C1: ${reserved} reserved of ${onHand}`)
    tx.put(stock, variantId, { onHand, reserved })
  }

  function moveUnits(
    tx: Tx,
    deltas: ReadonlyMap<VariantId, number>,
    how: {
      readonly isReserved: boolean
      readonly reason: MovementReason
      readonly orderId?: OrderId
      readonly causeId?: string | undefined
    },
  ): void {
    const { orderId, causeId = orderId, reason } = how
    for (const [variantId, delta] of deltas) {
      change(tx, variantId, { onHand: delta, reserved: how.isReserved ? delta : 0 })
      const movementId = world.newId<MovementId>()
      const index = orderId ? `${orderId} ${variantId} ${reason} ${causeId}` : movementId
      must(!movements.has(index), `C2: a ${reason} of one order is booked twice`)
      tx.put(movements, index, { variantId, delta, reason })
      const onHandCount = stock.get(variantId)?.onHand ?? 0
      tx.emit(stockAdjusted.of({ movementId, variantId, delta, onHandCount, reason }))
    }
  }

  function settle(
    tx: Tx,
    { reservation, reserve, move, answer }: ReservationStep,
    how: { readonly reason: MovementReason; readonly causeId?: string },
  ): void {
    const { orderId } = reservation
    const isReserved = reserve === move
    if (!isReserved) {
      for (const [variantId, reserved] of reserve) change(tx, variantId, { onHand: 0, reserved })
    }
    moveUnits(tx, move, { ...how, isReserved, orderId })
    const before = reservations.get(orderId)
    must(before === undefined || before.id === reservation.id, 'C3: one reservation per order')
    if (before !== undefined && before.state !== reservation.state) {
      const isKnown = ways[before.state].includes(reservation.state)
      must(isKnown, `C3: ${before.state} → ${reservation.state}`)
    }
    tx.put(reservations, orderId, reservation)
    if (answer !== undefined) tx.emit(answer)
  }

  function available(): Map<VariantId, number> {
    const blind = world.sabotage === 'blind_reservation' ? 1_000 : 0
    return new Map(
      [...stock].map(([variantId, { onHand, reserved }]) => [variantId, onHand - reserved + blind]),
    )
  }

  const consumer = createConsumer(db, [
    on(orderPlaced, (tx, { orderId, lines, holdSeconds }) => {
      const known = reservations.get(orderId)
      if (known !== undefined) return tx.emit(answerOf(known))
      const isTracked = (variantId: VariantId) => stock.has(variantId)
      const sellable = new Map(
        lines.map(({ variantId }) => [
          variantId,
          {
            isPublished: !archived.has(variantId),
            tracked: isTracked(variantId),
            priceIds: new Set(lines.map(({ priceId }) => priceId)),
          },
        ]),
      )
      const wanted = {
        id: world.newId<ReservationId>(),
        orderId,
        expiresAt: new Date(world.now.getTime() + holdSeconds * 1_000),
        lines: lines.map(({ lineNo, variantId, quantity }) => {
          return { lineNo, variantId, quantity, tracked: isTracked(variantId), restocked: 0 }
        }),
      }
      const made = decideReservation(wanted, refusalsOf(lines, sellable), available())
      settle(tx, made, { reason: 'sale' })
    }),
    on(stockCommitRequested, (tx, { orderId }) => {
      const found = reservations.get(orderId)
      if (found === undefined) return tx.emit(stockCommitRejected.of({ orderId, shortages: [] }))
      settle(tx, decideCommit(found, available()), { reason: 'sale' })
    }),
    on(stockReleaseRequested, (tx, { orderId }) => {
      if (world.sabotage === 'release_ignored') return
      const found = reservations.get(orderId)
      if (found !== undefined) return settle(tx, decideRelease(found), { reason: 'cancellation' })
      tx.put(reservations, orderId, {
        id: world.newId<ReservationId>(),
        orderId,
        state: 'released',
        expiresAt: world.now,
        rejection: null,
        lines: [],
      })
      tx.emit(stockReleased.of({ orderId, outcome: 'nothing' }))
    }),
    on(orderRefunded, (tx, { orderId, refundId, lines }) => {
      const units = lines.flatMap(({ lineNo, restockCount: count = 0 }) =>
        count > 0 ? [{ lineNo, count }] : [],
      )
      const found = reservations.get(orderId)
      if (units.length === 0 || found === undefined) return
      settle(tx, decideRestock(found, units), { reason: 'cancellation', causeId: refundId })
    }),
  ])

  db.transaction('commit', tx => {
    for (const [variantId, count] of counts) {
      stock.set(variantId, { onHand: 0, reserved: 0 })
      moveUnits(tx, new Map([[variantId, count]]), { isReserved: false, reason: 'delivery' })
    }
  })

  return {
    db,
    consumer,
    stock,
    movements,
    reservations,
    archived,
    expire(fate) {
      const due = [...reservations.values()].filter(
        ({ state, expiresAt }) => state === 'held' && expiresAt <= world.now,
      )
      if (due.length === 0) return undefined
      db.transaction(fate, tx => {
        for (const found of due) settle(tx, decideExpiry(found, world.now), { reason: 'sale' })
      })
      return `catalog: ${due.length} reservations expire${fate === 'crash' ? ': dies' : ''}`
    },
    adjust(variantId, delta) {
      const { onHand, reserved } = stock.get(variantId) ?? { onHand: 0, reserved: 0 }
      if (onHand - reserved + delta < 0) return undefined
      db.transaction('commit', tx =>
        moveUnits(tx, new Map([[variantId, delta]]), { isReserved: false, reason: 'count' }),
      )
      return `catalog: staff corrects ${short(variantId)} by ${delta}`
    },
    nextDue() {
      const ends = [...reservations.values()]
        .filter(({ state }) => state === 'held')
        .map(({ expiresAt }) => expiresAt.getTime())
      return ends.length === 0 ? undefined : new Date(Math.min(...ends))
    },
  }
}

/** Units that an order holds or has bought, by variant. */
export function unitsIn(
  reservations: Iterable<Reservation>,
  state: Reservation['state'],
): Map<VariantId, number> {
  const sums = new Map<VariantId, number>()
  for (const one of reservations) {
    if (one.state !== state) continue
    for (const [variantId, count] of wantedOf(one.lines)) {
      sums.set(variantId, (sums.get(variantId) ?? 0) + count)
    }
  }
  return sums
}

const ways: { readonly [S in Reservation['state']]: readonly Reservation['state'][] } = {
  held: ['committed', 'released', 'expired'],
  committed: ['returned'],
  expired: ['committed', 'released'],
  returned: [],
  released: [],
  rejected: [],
}
