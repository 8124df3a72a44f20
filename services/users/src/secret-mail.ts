import { MailError, type Mailer } from '@campus/platform/data/mailer'
import type { Tx } from '@campus/platform/data/postgres'
import { type EffectKind, EffectRefused, enqueueEffect } from '@campus/platform/events/effects'
import { sql } from 'drizzle-orm'
import { type Static, Type } from 'typebox'
import { Check } from 'typebox/value'
import type { Vault } from './vault.ts'

// Mails with a secret are sent by users itself: an event with the secret would be read by others and
// kept. While a mail waits its text is sealed, and its row is blanked as soon as it is over.

const kind = 'mail'

/** Tries of one mail: with the back-off of effects this is about an hour. */
const attemptsMax = 15

const Mail = Type.Object({
  to: Type.Object({ name: Type.String(), address: Type.String() }),
  subject: Type.String(),
  text: Type.String(),
  html: Type.String(),
})

/** A mail that only its reader may see. */
export type SecretMail = Static<typeof Mail>

/** Notes a mail in the transaction that decides it; the same key twice is one mail. */
export type EnqueueMail = (tx: Tx, dedupeKey: string, mail: SecretMail) => void

export function enqueueMail(vault: Vault): EnqueueMail {
  return (tx, dedupeKey, mail) => {
    const payload = { sealed: vault.seal(JSON.stringify(mail)) }
    enqueueEffect(tx, { kind, dedupeKey, payload })
  }
}

/**
 * Sends the mails. One of which nobody knows whether it was sent is not repeated by itself: its reader
 * asks for another one.
 */
export function mailEffect(vault: Vault, mailer: Mailer): EffectKind {
  return {
    kind,
    onUnknown: 'ask',
    attemptsMax,
    async run({ id, payload }) {
      const mail = opened(vault, payload)
      try {
        await mailer.send({ ...mail, messageId: `<${id}@users.campus>` })
      } catch (error) {
        if (!(error instanceof MailError) || !error.certain) throw error
        throw new EffectRefused(error.message, { isFinal: error.permanent, cause: error })
      }
    },
    settled: (tx, { id }) => blankPayload(tx, id),
  }
}

/** Forgets what an effect was about, once it is over. */
export async function blankPayload(tx: Tx, effectId: string): Promise<void> {
  await tx.execute(sql`update effect set payload = '{}' where id = ${effectId}`)
}

function opened(vault: Vault, payload: unknown): SecretMail {
  const sealed: unknown =
    typeof payload === 'object' && payload !== null ? Reflect.get(payload, 'sealed') : undefined
  if (typeof sealed !== 'string') {
    throw new EffectRefused('The mail was blanked after its first end.', { isFinal: true })
  }
  const mail: unknown = JSON.parse(vault.open(sealed))
  if (!Check(Mail, mail)) throw new EffectRefused('The row holds no mail.', { isFinal: true })
  return mail
}
