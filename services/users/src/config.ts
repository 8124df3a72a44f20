import { Secret, ServiceConfig } from '@campus/platform/process/config'
import { type Static, Type } from 'typebox'

/** Settings of the users service. */
export const Config = Type.Object({
  ...ServiceConfig.properties,
  SMTP_URL: Type.String({
    pattern: '^smtps?://',
    secret: true,
    description: 'Mail server of the mails that carry a secret',
  }),
  MAIL_FROM: Type.String({
    default: 'no-reply@campus.example',
    description: 'Address that mails come from',
  }),
  KEY_ENCRYPTION_SECRET: Secret({
    description:
      'Seals signing keys and waiting mails, derives refresh tokens; equal in all replicas',
  }),
  FIRST_ADMIN_SECRET: Type.Optional(
    Secret({ description: 'Makes the first admin, once; without it nobody can' }),
  ),
  LOGIN_PER_MINUTE_ADDRESS: Type.Integer({
    minimum: 1,
    maximum: 10_000_000,
    default: 30,
    description: 'Logins from one address a minute',
  }),
  LOGIN_PER_MINUTE_ACCOUNT: Type.Integer({
    minimum: 1,
    maximum: 10_000_000,
    default: 10,
    description: 'Logins to one account a minute, whoever tries',
  }),
  REGISTER_PER_HOUR: Type.Integer({
    minimum: 1,
    maximum: 10_000_000,
    default: 5,
    description: 'Registrations and requests for a mail from one address an hour',
  }),
  MAILS_PER_HOUR: Type.Integer({
    minimum: 1,
    maximum: 10_000_000,
    default: 5,
    description: 'Mails to one mailbox an hour that anybody can cause',
  }),
  PASSWORD_CONCURRENCY: Type.Integer({
    minimum: 0,
    maximum: 64,
    default: 0,
    description: 'Passwords hashed at the same time, 19 MiB and one core each; 0: one per core',
  }),
  PASSWORD_QUEUE_MAX: Type.Integer({
    minimum: 0,
    maximum: 10_000,
    default: 64,
    description: 'Passwords that wait for it; more are answered 503',
  }),
})
export type Config = Static<typeof Config>
