import type { Postgres } from '@campus/platform/data/postgres'
import { type EffectKind, EffectRefused, enqueueEffect } from '@campus/platform/events/effects'
import { newId } from '@campus/platform/new-id'
import { type Static, Type } from 'typebox'
import { Check } from 'typebox/value'
import { blankPayload } from '../secret-mail.ts'
import type { Vault } from '../vault.ts'
import { type RegistrationDeps, resendVerification } from './register.command.ts'
import { forgotPassword } from './reset-password.command.ts'

// Whether an address is known must not show in the time that an answer takes. So a request for a mail
// is noted and answered, the same for all addresses, and looked at afterwards.

const kind = 'mail_request'
const attemptsMax = 15

const Purpose = Type.Union([Type.Literal('verify'), Type.Literal('reset')])
const Payload = Type.Object({ sealedEmail: Type.String(), purpose: Purpose })

/** What the mail is to let its reader do. */
export type MailPurpose = Static<typeof Purpose>

/** Notes that somebody wants a mail. */
export async function requestMail(
  { postgres, vault }: { readonly postgres: Postgres; readonly vault: Vault },
  purpose: MailPurpose,
  email: string,
): Promise<void> {
  const payload = { purpose, sealedEmail: vault.seal(email) }
  const dedupeKey = `${kind}:${newId()}`
  await postgres.transaction(async tx => enqueueEffect(tx, { kind, dedupeKey, payload }))
}

/** Sends the mail that was asked for, if the address is one of ours. A repeat is one mail too many. */
export function mailRequestEffect(deps: RegistrationDeps & { readonly vault: Vault }): EffectKind {
  return {
    kind,
    onUnknown: 'retry',
    attemptsMax,
    async run({ payload }) {
      if (!Check(Payload, payload)) {
        throw new EffectRefused('The row holds no request.', { isFinal: true })
      }
      const email = deps.vault.open(payload.sealedEmail)
      if (payload.purpose === 'reset') await forgotPassword(deps, email)
      else await resendVerification(deps, email)
    },
    settled: (tx, { id }) => blankPayload(tx, id),
  }
}
