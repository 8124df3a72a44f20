import { Type } from 'typebox'
import { defineEvent } from '../envelope.ts'
import { At, By, Count, Locale, Zone } from '../fields.ts'
import { AddressId, asId, SessionId, UserId } from '../ids.ts'
import { profilesTopic, revocationsTopic } from '../topics.ts'

const userId = asId<UserId>('0193a1c0-0000-7000-8000-000000000001')
const sid = asId<SessionId>('0193a1c0-0000-7000-8000-000000000002')

/** What an account may do. */
export const Role = Type.Union([
  Type.Literal('student'),
  Type.Literal('instructor'),
  Type.Literal('librarian'),
  Type.Literal('admin'),
])

export const SessionKind = Type.Union([
  Type.Literal('browser'),
  Type.Literal('mobile'),
  Type.Literal('cli'),
])

/** Why a session or an access token is no longer good. */
export const RevocationCause = Type.Union([
  Type.Literal('logout'),
  Type.Literal('reset'),
  Type.Literal('suspended'),
  Type.Literal('reuse'),
  Type.Literal('admin'),
  Type.Literal('expired'),
  Type.Literal('roles_changed'),
])

/** Why an account was suspended. */
export const SuspensionCode = Type.Union([
  Type.Literal('terms_violated'),
  Type.Literal('payment_fraud'),
  Type.Literal('account_taken_over'),
  Type.Literal('own_request'),
])

const by = { type: 'user' as const, id: '0193a1c0-0000-7000-8000-000000000003' }
const Roles = Type.Array(Role, { maxItems: 200 })

export const userRegistered = defineEvent({
  type: 'users.user_registered.v1',
  aggregate: 'user',
  subject: 'userId',
  schema: Type.Object({ userId: UserId, locale: Locale }),
  example: { userId, locale: 'en' },
})

export const emailVerified = defineEvent({
  type: 'users.email_verified.v1',
  aggregate: 'user',
  subject: 'userId',
  schema: Type.Object({ userId: UserId, roles: Roles }),
  example: { userId, roles: ['student'] },
})

export const sessionOpened = defineEvent({
  type: 'users.session_opened.v1',
  aggregate: 'user',
  subject: 'userId',
  schema: Type.Object({ userId: UserId, sid: SessionId, kind: SessionKind }),
  example: { userId, sid, kind: 'browser' },
})

export const sessionRevoked = defineEvent({
  type: 'users.session_revoked.v1',
  aggregate: 'user',
  subject: 'userId',
  schema: Type.Object({ userId: UserId, sid: SessionId, cause: RevocationCause }),
  example: { userId, sid, cause: 'logout' },
})

export const refreshReuseDetected = defineEvent({
  type: 'users.refresh_reuse_detected.v1',
  aggregate: 'user',
  subject: 'userId',
  schema: Type.Object({ userId: UserId, familyId: SessionId }),
  example: { userId, familyId: sid },
})

/** Somebody chose a new password; every session ended with it. */
export const passwordChanged = defineEvent({
  type: 'users.password_changed.v1',
  aggregate: 'user',
  subject: 'userId',
  schema: Type.Object({ userId: UserId }),
  example: { userId },
})

export const rolesChanged = defineEvent({
  type: 'users.roles_changed.v1',
  aggregate: 'user',
  subject: 'userId',
  schema: Type.Object({ userId: UserId, old: Roles, new: Roles, by: By }),
  example: { userId, old: ['student'], new: ['instructor', 'student'], by },
})

/** Every session ended with it. */
export const userSuspended = defineEvent({
  type: 'users.user_suspended.v1',
  aggregate: 'user',
  subject: 'userId',
  schema: Type.Object({ userId: UserId, code: SuspensionCode, by: By }),
  example: { userId, code: 'terms_violated', by },
})

export const userReinstated = defineEvent({
  type: 'users.user_reinstated.v1',
  aggregate: 'user',
  subject: 'userId',
  schema: Type.Object({ userId: UserId, by: By }),
  example: { userId, by },
})

/** Readers keep the highest `version` of a user, because a compacted topic has no inbox. */
export const profileSaved = defineEvent({
  type: 'users.profile_saved.v1',
  topic: profilesTopic,
  isCompacted: true,
  aggregate: 'user',
  subject: 'userId',
  schema: Type.Object({
    userId: UserId,
    email: Type.String({ maxLength: 254 }),
    name: Type.String({ maxLength: 200 }),
    locale: Locale,
    version: Count,
  }),
  example: { userId, email: 'ada@example.org', name: 'Ada', locale: 'en', version: 1 },
})

const AccessRevoked = Type.Object({
  sid: Type.Optional(SessionId),
  userId: UserId,
  notBeforeAt: At,
  untilAt: At,
  cause: RevocationCause,
})
const revocation = {
  userId,
  notBeforeAt: '2026-01-01T00:00:00.000Z',
  untilAt: '2026-01-01T00:11:00.000Z',
}

/** Every token of one session is refused until `untilAt`. Key `session:<sid>`. */
export const sessionAccessRevoked = defineEvent({
  type: 'users.access_revoked.v1',
  topic: revocationsTopic,
  isCompacted: true,
  aggregate: 'session',
  subject: 'sid',
  schema: AccessRevoked,
  example: { ...revocation, sid, cause: 'logout' },
})

/** Every token of one user issued before `notBeforeAt` is refused. Key `user:<userId>`. */
export const userAccessRevoked = defineEvent({
  type: 'users.access_revoked.v1',
  topic: revocationsTopic,
  isCompacted: true,
  aggregate: 'user',
  subject: 'userId',
  schema: AccessRevoked,
  example: { ...revocation, cause: 'suspended' },
})

const addressId = asId<AddressId>('0193a1c0-0000-7000-8000-000000000006')

/** A version of an address; orders name it by its id. */
export const addressSaved = defineEvent({
  type: 'users.address_saved.v1',
  aggregate: 'user',
  subject: 'userId',
  schema: Type.Object({ userId: UserId, addressId: AddressId, zone: Zone }),
  example: { userId, addressId, zone: 'DE' },
})

/** A version of an address cannot be chosen any more. */
export const addressRemoved = defineEvent({
  type: 'users.address_removed.v1',
  aggregate: 'user',
  subject: 'userId',
  schema: Type.Object({ userId: UserId, addressId: AddressId }),
  example: { userId, addressId },
})
