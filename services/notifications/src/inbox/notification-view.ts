import { Category } from '@campus/contracts/events/notifications'
import { NotificationId, OrderId } from '@campus/contracts/ids'
import { type Static, Type } from 'typebox'
import { subjectOf } from '../message/message.ts'
import { noteOf } from '../message/render.ts'
import type { Notification } from './notification.ts'

export const NotificationView = Type.Object({
  id: NotificationId,
  category: Category,
  title: Type.String(),
  body: Type.String(),
  subject: Type.Union([Type.Object({ type: Type.Literal('order'), id: OrderId }), Type.Null()], {
    description: 'What it is about',
  }),
  sourceType: Type.String({ description: 'The event that it tells of' }),
  createdAt: Type.String({ format: 'date-time' }),
  readAt: Type.Union([Type.String({ format: 'date-time' }), Type.Null()]),
})
export type NotificationView = Static<typeof NotificationView>

export function viewOf(notification: Notification, locale: string): NotificationView {
  const { id, category, message, sourceType, createdAt, readAt } = notification
  return {
    id,
    category,
    ...noteOf(message, locale),
    subject: subjectOf(message),
    sourceType,
    createdAt: createdAt.toISOString(),
    readAt: readAt?.toISOString() ?? null,
  }
}
