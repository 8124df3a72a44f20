import type { Category as CategorySchema } from '@campus/contracts/events/notifications'
import { CancelReason, Totals } from '@campus/contracts/events/orders'
import { OrderId } from '@campus/contracts/ids'
import { Money } from '@campus/contracts/money'
import { type Static, Type } from 'typebox'

/** Group of messages that a person can switch on and off. */
export type Category = Static<typeof CategorySchema>

const Welcome = Type.Object({ kind: Type.Literal('welcome') })

const OrderConfirmed = Type.Object({
  kind: Type.Literal('order_confirmed'),
  orderId: OrderId,
  lines: Type.Array(Type.Object({ title: Type.String(), quantity: Type.Integer(), total: Money })),
  totals: Totals,
})

const OrderCancelled = Type.Object({
  kind: Type.Literal('order_cancelled'),
  orderId: OrderId,
  reason: CancelReason,
  refundedTotal: Money,
})

/** What somebody is told: the facts, without a text and without personal data. */
export const Message = Type.Union([Welcome, OrderConfirmed, OrderCancelled])
export type Message = Static<typeof Message>
export type OrderConfirmed = Static<typeof OrderConfirmed>
export type OrderCancelled = Static<typeof OrderCancelled>

/** The group that a message belongs to. */
export function categoryOf({ kind }: Message): Category {
  switch (kind) {
    case 'welcome':
      return 'account'
    case 'order_confirmed':
    case 'order_cancelled':
      return 'orders'
  }
}

/** What a message is about, for a link. */
export function subjectOf(
  message: Message,
): { readonly type: 'order'; readonly id: OrderId } | null {
  switch (message.kind) {
    case 'welcome':
      return null
    case 'order_confirmed':
    case 'order_cancelled':
      return { type: 'order', id: message.orderId }
  }
}

const hourMs = 3_600_000
const ageHours: Readonly<Record<Category, number>> = {
  security: 24,
  account: 72,
  orders: 72,
  learning: 72,
  library: 24,
  teams: 6,
}

/** Until when an event of `time` is worth telling: N3. */
export function untilOf(category: Category, time: Date): Date {
  return new Date(time.getTime() + ageHours[category] * hourMs)
}
