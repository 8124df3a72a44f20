import { Type } from 'typebox'
import { defineEvent } from '../envelope.ts'
import { At, Count, Locale } from '../fields.ts'
import { asId, SessionId, UserId } from '../ids.ts'
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
  schema: Type.Object({ userId: UserId, roles: Type.Array(Role, { maxItems: 200 }) }),
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
