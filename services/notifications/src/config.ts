import { ServiceConfig, StreamConfig } from '@campus/platform/process/config'
import { type Static, Type } from 'typebox'

/** Settings of the notifications service. */
export const Config = Type.Object({
  ...ServiceConfig.properties,
  SMTP_URL: Type.String({ pattern: '^smtps?://', secret: true, description: 'Mail server' }),
  MAIL_FROM: Type.String({
    default: 'no-reply@campus.example',
    description: 'Address that mails come from',
  }),
  MAIL_ATTEMPTS_MAX: Type.Integer({
    minimum: 1,
    maximum: 100,
    default: 15,
    description: 'Tries of a mail that the server did not take; with the back-off about an hour',
  }),
  PROFILE_WAIT_SECONDS: Type.Integer({
    minimum: 1,
    maximum: 604_800,
    default: 86_400,
    description: 'A mail whose address does not arrive within this time is given up',
  }),
  RELEASE_PERIOD_MS: Type.Integer({
    minimum: 50,
    maximum: 60_000,
    default: 2_000,
    description: 'How often mails whose address has arrived are looked for',
  }),
  ...StreamConfig.properties,
})
export type Config = Static<typeof Config>
