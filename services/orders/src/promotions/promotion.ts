import { type PromotionId, VariantId } from '@campus/contracts/ids'
import { Money } from '@campus/contracts/money'
import { type Reason, refuseAll } from '@campus/platform/errors'
import { type Static, Type } from 'typebox'
import { refuse } from '../errors.ts'

const Price = Type.Object(
  {
    ...Money.properties,
    amount: Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER }),
  },
  { additionalProperties: false },
)

/** What a promotion takes off: a part of the goods that it is for, or an amount. */
export const Action = Type.Union([
  Type.Object({
    kind: Type.Literal('percent'),
    percent: Type.Integer({ minimum: 1, maximum: 100 }),
  }),
  Type.Object({ kind: Type.Literal('amount'), amount: Price }),
])
export type Action = Static<typeof Action>

/** What must be so for a promotion to hold. */
export const Conditions = Type.Object({
  /** All goods of the cart together, before the discount. */
  minimumGoods: Type.Optional(Price),
  /** What becomes cheaper; absent: everything. */
  variantIds: Type.Optional(Type.Array(VariantId, { minItems: 1, maxItems: 200 })),
})
export type Conditions = Static<typeof Conditions>

/** A discount that buyers get by a code. Code, action and conditions never change. */
export interface Promotion {
  readonly id: PromotionId
  /** In capital letters, unique among all promotions there ever were. */
  readonly code: string
  readonly name: string
  readonly action: Action
  readonly conditions: Conditions
  /** Orders that may use it; null: any number. */
  readonly usageLimit: number | null
  /** Orders of one account that may use it; null: any number. */
  readonly perCustomer: number | null
  /** Orders that use it and were not cancelled. */
  readonly usedCount: number
  /** null: since ever. */
  readonly startsAt: Date | null
  /** The first moment at which it does not hold any more; null: never. */
  readonly endsAt: Date | null
  /** Raised by each change by staff, not by uses; the ETag. */
  readonly version: number
  readonly createdAt: Date
  readonly updatedAt: Date
}

/** What staff may change of a promotion; null lifts a limit. */
export interface PromotionChange {
  readonly name?: string
  readonly usageLimit?: number | null
  readonly perCustomer?: number | null
  readonly endsAt?: Date | null
}

/** Codes are told apart by letters and digits, never by case. */
export function toCode(text: string): string {
  return text.toUpperCase()
}

/**
 * @throws AppError with every reason that holds: `orders.period_empty`, `orders.amounts_mixed`
 */
export function requireSound({
  action,
  conditions: { minimumGoods },
  startsAt,
  endsAt,
}: Pick<Promotion, 'action' | 'conditions' | 'startsAt' | 'endsAt'>): void {
  const isMixed =
    action.kind === 'amount' &&
    minimumGoods !== undefined &&
    minimumGoods.currency !== action.amount.currency
  refuseAll([...emptyPeriod(startsAt, endsAt), ...(isMixed ? [refuse.amounts_mixed()] : [])])
}

/**
 * The promotion after a change by staff. A later end opens one again that has ended.
 *
 * @param busiestCount uses by the account that has used it most
 * @throws AppError with every reason that holds: `orders.limit_below_used`, `orders.period_empty`
 */
export function decideChange(
  promotion: Promotion,
  change: PromotionChange,
  busiestCount: number,
): Promotion {
  const next = { ...promotion, ...change }
  const { usageLimit, perCustomer, usedCount } = next
  const reasons: Reason[] = []
  if (usageLimit !== null && usageLimit < usedCount) {
    reasons.push(refuse.limit_below_used({ limit: 'usageLimit', usedCount }))
  }
  if (change.perCustomer !== undefined && perCustomer !== null && perCustomer < busiestCount) {
    reasons.push(refuse.limit_below_used({ limit: 'perCustomer', usedCount: busiestCount }))
  }
  if (change.endsAt !== undefined) reasons.push(...emptyPeriod(next.startsAt, next.endsAt))
  refuseAll(reasons)
  return next
}

/** Whether nobody may use the promotion any more until a use is given back. */
export function isExhausted({ usageLimit, usedCount }: Promotion): boolean {
  return usageLimit !== null && usedCount >= usageLimit
}

function emptyPeriod(startsAt: Date | null, endsAt: Date | null): Reason[] {
  return startsAt !== null && endsAt !== null && endsAt <= startsAt ? [refuse.period_empty()] : []
}
