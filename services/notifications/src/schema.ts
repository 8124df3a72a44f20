import type { DeliveryId, NotificationId, UserId } from '@campus/contracts/ids'
import { boolean, integer, jsonb, pgTable, text, timestamp, uuid } from 'drizzle-orm/pg-core'
import type { DeliveryState } from './delivery/delivery.ts'
import type { Subject } from './delivery/subject.ts'
import type { Category, Message } from './message/message.ts'
import type { Topic } from './preferences/preference.ts'

const moment = (name: string) => timestamp(name, { withTimezone: true })

export const profileCopy = pgTable('profile_copy', {
  userId: uuid('user_id').$type<UserId>().primaryKey(),
  email: text('email'),
  name: text('name'),
  locale: text('locale'),
  version: integer('version').notNull(),
  erasedAt: moment('erased_at'),
})

export const notification = pgTable('notification', {
  id: uuid('id').$type<NotificationId>().primaryKey(),
  userId: uuid('user_id').$type<UserId>().notNull(),
  category: text('category').$type<Category>().notNull(),
  message: jsonb('message').$type<Message>().notNull(),
  sourceEventId: uuid('source_event_id').notNull(),
  sourceType: text('source_type').notNull(),
  createdAt: moment('created_at').notNull(),
  readAt: moment('read_at'),
  seq: integer('seq'),
  isListed: boolean('is_listed').notNull(),
})

export const delivery = pgTable('delivery', {
  id: uuid('id').$type<DeliveryId>().primaryKey(),
  notificationId: uuid('notification_id').$type<NotificationId>().notNull(),
  userId: uuid('user_id').$type<UserId>().notNull(),
  channel: text('channel').$type<'mail' | 'webhook'>().notNull(),
  state: text('state').$type<DeliveryState>().notNull(),
  attempts: integer('attempts').notNull(),
  expiresAt: moment('expires_at').notNull(),
  createdAt: moment('created_at').notNull(),
  settledAt: moment('settled_at'),
})

export const preference = pgTable('preference', {
  userId: uuid('user_id').$type<UserId>().primaryKey(),
  version: integer('version').notNull(),
  switchedOff: text('switched_off').array().$type<Topic[]>().notNull(),
})

export const inboxVersion = pgTable('inbox_version', {
  userId: uuid('user_id').$type<UserId>().primaryKey(),
  version: integer('version').notNull(),
})

export const subjectOwner = pgTable('subject_owner', {
  type: text('type').$type<Subject['type']>().notNull(),
  id: uuid('id').notNull(),
  userId: uuid('user_id').$type<UserId>().notNull(),
  createdAt: moment('created_at').notNull(),
})
