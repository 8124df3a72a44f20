import { Type } from 'typebox'
import { defineEvent } from '../envelope.ts'
import { Quantity, Text } from '../fields.ts'
import { AnyId, asId, DeliveryId, NotificationId, UserId } from '../ids.ts'

const userId = asId<UserId>('0193a1c0-0000-7000-8000-000000000001')
const deliveryId = asId<DeliveryId>('0193a1c0-0000-7000-8000-000000000042')

/** Group of messages that a person can switch on and off. */
export const Category = Type.Union([
  Type.Literal('security'),
  Type.Literal('account'),
  Type.Literal('orders'),
  Type.Literal('learning'),
  Type.Literal('library'),
  Type.Literal('teams'),
])

/** How a message reaches a person or a system. */
export const Channel = Type.Union([
  Type.Literal('mail'),
  Type.Literal('in_app'),
  Type.Literal('webhook'),
])

export const notificationCreated = defineEvent({
  type: 'notifications.notification_created.v1',
  aggregate: 'recipient',
  subject: 'userId',
  schema: Type.Object({
    notificationId: NotificationId,
    userId: UserId,
    category: Category,
    sourceEventId: AnyId,
    sourceType: Text,
  }),
  example: {
    notificationId: asId<NotificationId>('0193a1c0-0000-7000-8000-000000000041'),
    userId,
    category: 'orders',
    sourceEventId: asId<AnyId>('0193a1c0-0000-7000-8000-000000000099'),
    sourceType: 'orders.order_confirmed.v1',
  },
})

const Delivery = { deliveryId: DeliveryId, userId: UserId, channel: Channel, attempt: Quantity }

export const deliverySucceeded = defineEvent({
  type: 'notifications.delivery_succeeded.v1',
  aggregate: 'recipient',
  subject: 'userId',
  schema: Type.Object(Delivery),
  example: { deliveryId, userId, channel: 'mail', attempt: 1 },
})

export const deliveryFailed = defineEvent({
  type: 'notifications.delivery_failed.v1',
  aggregate: 'recipient',
  subject: 'userId',
  schema: Type.Object({
    ...Delivery,
    code: Type.Union([
      Type.Literal('refused'),
      Type.Literal('unreachable'),
      Type.Literal('ambiguous'),
    ]),
  }),
  example: { deliveryId, userId, channel: 'mail', attempt: 5, code: 'unreachable' },
})

/** One switch of a person was moved: whether news of a category come by a channel. */
export const preferencesChanged = defineEvent({
  type: 'notifications.preferences_changed.v1',
  aggregate: 'recipient',
  subject: 'userId',
  schema: Type.Object({
    userId: UserId,
    category: Category,
    channel: Channel,
    enabled: Type.Boolean(),
  }),
  example: { userId, category: 'orders', channel: 'mail', enabled: false },
})
