import type { NewEvent } from '@campus/contracts/envelope'
import { stockAdjusted } from '@campus/contracts/events/catalog'
import type { AnyId, MovementId, OrderId, VariantId } from '@campus/contracts/ids'
import { type AvailabilityChange, isTurn, newsOf } from './availability.ts'
import type { Movement, MovementReason } from './movement.ts'
import type { Available } from './reservation.ts'

// What a transaction has locked of the stock and what it does about it, one thing after the other, so that
// each sees what the ones before it have left. It is written at the end, all variants together.

/** Units of one variant. */
export interface Stock {
  readonly onHand: number
  /** Of these, promised to orders. */
  readonly reserved: number
  /** From how many available units on it is low; null for never. */
  readonly lowAt: number | null
}

/** A movement with what it was for. */
export interface BookedMovement extends Movement {
  readonly orderId: OrderId | null
  /** What asked for it, when an order may give one variant back several times. */
  readonly causeId: AnyId | null
  readonly actor: string
  readonly at: Date
}

/** Units to hold or to let go of, and units that leave or come back. */
export interface StockChange {
  readonly reserve: ReadonlyMap<VariantId, number>
  /** The same map as `reserve`: what leaves because it was held is let go of at once. */
  readonly move: ReadonlyMap<VariantId, number>
  readonly reason: MovementReason
  readonly orderId: OrderId | null
  readonly causeId: AnyId | null
  readonly actor: string
  readonly at: Date
}

export interface StockBook {
  /** Units that are neither sold nor held now, of the variants that are locked. */
  available(): Available
  /** @returns what is told of it: each movement, and what the shop wants to know */
  change(change: StockChange): NewEvent[]
  /** Variants whose units differ from what was locked, as they are now. */
  readonly changed: ReadonlyMap<VariantId, Stock>
  readonly movements: readonly BookedMovement[]
  /** Variants that have begun or ceased to be available in between. */
  readonly turned: ReadonlySet<VariantId>
}

/** @param locked variants without stock never run out and are not in it */
export function openStockBook(
  locked: ReadonlyMap<VariantId, Stock>,
  newId: () => MovementId,
): StockBook {
  const now = new Map(locked)
  const changed = new Map<VariantId, Stock>()
  const movements: BookedMovement[] = []
  const turned = new Set<VariantId>()

  function add(variantId: VariantId, units: Pick<Stock, 'onHand' | 'reserved'>): NewEvent[] {
    const before = now.get(variantId)
    if (before === undefined) return []
    const after: Stock = {
      ...before,
      onHand: before.onHand + units.onHand,
      reserved: before.reserved + units.reserved,
    }
    now.set(variantId, after)
    changed.set(variantId, after)
    const change: AvailabilityChange = {
      variantId,
      before: before.onHand - before.reserved,
      after: after.onHand - after.reserved,
      lowAt: before.lowAt,
    }
    if (isTurn(change)) turned.add(variantId)
    return newsOf(change)
  }

  function move(variantId: VariantId, delta: number, change: StockChange): NewEvent[] {
    const { reserve, reason, orderId, causeId, actor, at } = change
    const reserved = reserve === change.move ? delta : 0
    const news = add(variantId, { onHand: delta, reserved })
    const onHandAfter = now.get(variantId)?.onHand ?? 0
    const id = newId()
    movements.push({ id, variantId, delta, onHandAfter, reason, orderId, causeId, actor, at })
    const told = { movementId: id, variantId, delta, onHandCount: onHandAfter, reason }
    return [stockAdjusted.of(told), ...news]
  }

  return {
    available: () => new Map([...now].map(([id, { onHand, reserved }]) => [id, onHand - reserved])),
    change(change) {
      const held = change.reserve === change.move ? [] : [...change.reserve]
      return [
        ...held.flatMap(([variantId, reserved]) => add(variantId, { onHand: 0, reserved })),
        ...[...change.move].flatMap(([variantId, delta]) => move(variantId, delta, change)),
      ]
    },
    changed,
    movements,
    turned,
  }
}
