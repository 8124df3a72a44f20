import type { NotificationId } from '@campus/contracts/ids'
import type { Category, Message } from '../message/message.ts'

/** What somebody was told, as it is kept. */
export interface Notification {
  readonly id: NotificationId
  readonly category: Category
  readonly message: Message
  readonly sourceType: string
  readonly createdAt: Date
  readonly readAt: Date | null
}

/** More unread notifications than this are not counted. */
export const unreadCountMax = 1_000

/** How many somebody has not read, at one version of the list. */
export interface UnreadCount {
  readonly count: number
  readonly version: number
}
