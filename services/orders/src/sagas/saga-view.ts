import { CancelReason, RefundCause } from '@campus/contracts/events/orders'
import { At } from '@campus/contracts/fields'
import { OrderId, RefundId } from '@campus/contracts/ids'
import { Money } from '@campus/contracts/money'
import { Type } from 'typebox'
import { type Happening, happenings, type State, states } from '../checkout/saga-state.ts'

export const SagaState = Type.Unsafe<State>({ type: 'string', enum: [...states] })

/** A saga in a list. */
export const SagaSummary = Type.Object({
  orderId: OrderId,
  state: SagaState,
  reason: Type.Optional(CancelReason),
  note: Type.Optional(Type.String()),
  timerAt: Type.Optional(At),
  sinceAt: Type.Unsafe<string>({ ...At, description: 'Since when the present state has waited' }),
  stuckAt: Type.Optional(At),
  version: Type.Integer(),
})

/** A saga with all that it decides by. */
export const SagaView = Type.Object({
  ...SagaSummary.properties,
  stockDone: Type.Boolean(),
  moneyDone: Type.Boolean(),
  captured: Money,
  refunded: Money,
  lines: Type.Array(
    Type.Object({
      lineNo: Type.Integer(),
      kind: Type.Union([Type.Literal('physical'), Type.Literal('course')]),
      quantity: Type.Integer(),
      total: Money,
      shipped: Type.Integer(),
      delivered: Type.Integer(),
    }),
  ),
  refunds: Type.Array(
    Type.Object({
      id: RefundId,
      state: Type.String(),
      cause: RefundCause,
      amount: Money,
      askedAt: At,
    }),
  ),
  happenings: Type.Array(
    Type.Object({
      event: Type.Unsafe<Happening['kind']>({ type: 'string', enum: [...happenings] }),
      at: At,
      state: SagaState,
      isIgnored: Type.Boolean(),
    }),
    { description: 'The last ones, the oldest first; an ignored one has changed nothing' },
  ),
})
