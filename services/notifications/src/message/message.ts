import type { Category as CategorySchema } from '@campus/contracts/events/notifications'
import { CancelReason, Ref, RefundCause, Totals } from '@campus/contracts/events/orders'
import { DeclineCode } from '@campus/contracts/events/payments'
import { Role, SuspensionCode } from '@campus/contracts/events/users'
import { asId, OrderId } from '@campus/contracts/ids'
import { Money } from '@campus/contracts/money'
import { type Static, Type } from 'typebox'

/** Group of messages that a person can switch on and off. */
export type Category = Static<typeof CategorySchema>

/** Every one of them. */
export const categories: readonly Category[] = [
  'security',
  'account',
  'orders',
  'learning',
  'library',
  'teams',
]

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

const OrderShipped = Type.Object({
  kind: Type.Literal('order_shipped'),
  orderId: OrderId,
  /** Units in the parcel. */
  quantity: Type.Integer(),
})

const OrderRefunded = Type.Object({
  kind: Type.Literal('order_refunded'),
  orderId: OrderId,
  amount: Money,
  cause: RefundCause,
})

const ReturnApproved = Type.Object({
  kind: Type.Literal('return_approved'),
  orderId: OrderId,
  amount: Type.Optional(Money),
})

const ReturnRejected = Type.Object({ kind: Type.Literal('return_rejected'), orderId: OrderId })

const PaymentDeclined = Type.Object({
  kind: Type.Literal('payment_declined'),
  ref: Ref,
  code: DeclineCode,
  attemptsLeftCount: Type.Integer(),
})

const PaymentActionRequired = Type.Object({
  kind: Type.Literal('payment_action_required'),
  ref: Ref,
})

const PasswordChanged = Type.Object({ kind: Type.Literal('password_changed') })

const RefreshReused = Type.Object({ kind: Type.Literal('refresh_reused') })

const RolesChanged = Type.Object({ kind: Type.Literal('roles_changed'), roles: Type.Array(Role) })

const AccountSuspended = Type.Object({
  kind: Type.Literal('account_suspended'),
  code: SuspensionCode,
})

const AccountReinstated = Type.Object({ kind: Type.Literal('account_reinstated') })

/** What somebody is told: the facts, without a text and without personal data. */
export const Message = Type.Union([
  Welcome,
  OrderConfirmed,
  OrderCancelled,
  OrderShipped,
  OrderRefunded,
  ReturnApproved,
  ReturnRejected,
  PaymentDeclined,
  PaymentActionRequired,
  PasswordChanged,
  RefreshReused,
  RolesChanged,
  AccountSuspended,
  AccountReinstated,
])
export type Message = Static<typeof Message>
export type OrderConfirmed = Static<typeof OrderConfirmed>
export type PaymentDeclined = Static<typeof PaymentDeclined>

/** The group that a message belongs to. */
export function categoryOf({ kind }: Message): Category {
  switch (kind) {
    case 'welcome':
      return 'account'
    case 'order_confirmed':
    case 'order_cancelled':
    case 'order_shipped':
    case 'order_refunded':
    case 'return_approved':
    case 'return_rejected':
    case 'payment_declined':
    case 'payment_action_required':
      return 'orders'
    case 'password_changed':
    case 'refresh_reused':
    case 'roles_changed':
    case 'account_suspended':
    case 'account_reinstated':
      return 'security'
  }
}

/** What a message is about, for a link. */
export function subjectOf(
  message: Message,
): { readonly type: 'order'; readonly id: OrderId } | null {
  switch (message.kind) {
    case 'order_confirmed':
    case 'order_cancelled':
    case 'order_shipped':
    case 'order_refunded':
    case 'return_approved':
    case 'return_rejected':
      return { type: 'order', id: message.orderId }
    case 'payment_declined':
    case 'payment_action_required':
      return orderOf(message.ref)
    case 'welcome':
    case 'password_changed':
    case 'refresh_reused':
    case 'roles_changed':
    case 'account_suspended':
    case 'account_reinstated':
      return null
  }
}

function orderOf({ type, id }: Ref): { readonly type: 'order'; readonly id: OrderId } | null {
  return type === 'order' ? { type, id: asId<OrderId>(id) } : null
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
