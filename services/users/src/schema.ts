import type { AddressId, SessionId, UserId } from '@campus/contracts/ids'
import { boolean, integer, pgTable, text, timestamp, uuid } from 'drizzle-orm/pg-core'
import type { AccountState, Role } from './account/account.ts'
import type { SessionKind, SessionState } from './session/session.ts'

const moment = (name: string) => timestamp(name, { withTimezone: true })

export const account = pgTable('account', {
  id: uuid('id').$type<UserId>().primaryKey(),
  email: text('email').notNull(),
  name: text('name').notNull(),
  locale: text('locale').notNull(),
  passwordHash: text('password_hash').notNull(),
  roles: text('roles').array().$type<Role[]>().notNull(),
  state: text('state').$type<AccountState>().notNull(),
  version: integer('version').notNull(),
  createdAt: moment('created_at').notNull(),
  updatedAt: moment('updated_at').notNull(),
  verifiedAt: moment('verified_at'),
})

export const emailToken = pgTable('email_token', {
  hash: text('hash').primaryKey(),
  userId: uuid('user_id').$type<UserId>().notNull(),
  passwordHash: text('password_hash').notNull(),
  name: text('name').notNull(),
  locale: text('locale').notNull(),
  createdAt: moment('created_at').notNull(),
  expiresAt: moment('expires_at').notNull(),
})

export const passwordToken = pgTable('password_token', {
  hash: text('hash').primaryKey(),
  userId: uuid('user_id').$type<UserId>().notNull(),
  expiresAt: moment('expires_at').notNull(),
})

export const address = pgTable('address', {
  id: uuid('id').$type<AddressId>().primaryKey(),
  userId: uuid('user_id').$type<UserId>().notNull(),
  name: text('name').notNull(),
  line1: text('line1').notNull(),
  line2: text('line2').notNull(),
  postalCode: text('postal_code').notNull(),
  city: text('city').notNull(),
  region: text('region').notNull(),
  country: text('country').notNull(),
  createdAt: moment('created_at').notNull(),
  leftAt: moment('left_at'),
})

export const session = pgTable('session', {
  sid: uuid('sid').$type<SessionId>().primaryKey(),
  userId: uuid('user_id').$type<UserId>().notNull(),
  kind: text('kind').$type<SessionKind>().notNull(),
  state: text('state').$type<SessionState>().notNull(),
  openedAt: moment('opened_at').notNull(),
  expiresAt: moment('expires_at').notNull(),
  endedAt: moment('ended_at'),
})

export const refreshToken = pgTable('refresh_token', {
  id: uuid('id').primaryKey(),
  hash: text('hash').notNull(),
  sid: uuid('sid').$type<SessionId>().notNull(),
  createdAt: moment('created_at').notNull(),
  usedAt: moment('used_at'),
  successorId: uuid('successor_id'),
})

export const signingKey = pgTable('signing_key', {
  kid: text('kid').primaryKey(),
  privateKeySealed: text('private_key_sealed').notNull(),
  publicKey: text('public_key').notNull(),
  createdAt: moment('created_at').notNull(),
  signsFrom: moment('signs_from').notNull(),
  signsUntil: moment('signs_until'),
  shownUntil: moment('shown_until'),
})

export const profileCheck = pgTable('profile_check', {
  isOnly: boolean('is_only').primaryKey(),
  begunAt: moment('begun_at').notNull(),
})
