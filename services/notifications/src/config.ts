import { ServiceConfig } from '@campus/platform/process/config'
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
  STREAMS_PER_USER_MAX: Type.Integer({
    minimum: 1,
    maximum: 100,
    default: 8,
    description: 'Streams that one person may have open at one replica',
  }),
  STREAMS_MAX: Type.Integer({
    minimum: 1,
    maximum: 50_000,
    default: 2_000,
    description: 'Streams that one replica serves',
  }),
  STREAM_HEARTBEAT_SECONDS: Type.Integer({
    minimum: 1,
    maximum: 60,
    default: 15,
    description: 'A quiet stream sends a comment so often, or proxies take it for dead',
  }),
  STREAM_LOOK_MS: Type.Integer({
    minimum: 50,
    maximum: 60_000,
    default: 1_000,
    description: 'How often the lists of open streams are looked at when no hint has come',
  }),
})
export type Config = Static<typeof Config>
