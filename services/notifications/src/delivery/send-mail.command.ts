import { DeliveryId } from '@campus/contracts/ids'
import type { Clock } from '@campus/platform/clock'
import { MailError, type Mailer } from '@campus/platform/data/mailer'
import type { Postgres } from '@campus/platform/data/postgres'
import {
  type EffectAttempt,
  type EffectKind,
  type EffectOutcome,
  EffectRefused,
} from '@campus/platform/events/effects'
import { Type } from 'typebox'
import { Check } from 'typebox/value'
import { mailOf } from '../message/render.ts'
import { type Ending, findOutgoing, mailKind, settleDelivery, suppress } from './delivery.store.ts'

interface Deps {
  readonly postgres: Postgres
  readonly clock: Clock
  readonly mailer: Mailer
  readonly attemptsMax: number
}

const Payload = Type.Object({ deliveryId: DeliveryId })

/**
 * Sends deliveries by mail. One that certainly was not sent is tried again with back-off; one of which
 * nobody knows is left to a person, because a second copy could not be taken back.
 */
export function mailEffect(deps: Deps): EffectKind {
  const { attemptsMax } = deps
  return {
    kind: mailKind,
    onUnknown: 'ask',
    attemptsMax,
    run: attempt => sendMail(deps, attempt),
    settled: (tx, { payload, attempt }, outcome) => {
      const ending = endingOf(outcome, attempt >= attemptsMax)
      return settleDelivery(tx, deliveryIdOf(payload), attempt, ending)
    },
  }
}

async function sendMail(
  { postgres, clock, mailer }: Deps,
  { id, payload }: EffectAttempt,
): Promise<void> {
  const deliveryId = deliveryIdOf(payload)
  // The last look: it may have waited for hours.
  const outgoing = await postgres.read(tx => findOutgoing(tx, deliveryId)).catch(refuseForNow)
  if (outgoing === undefined) throw refused('The notification is gone.')
  if (outgoing.isUnwanted) {
    await postgres.read(tx => suppress(tx, deliveryId)).catch(refuseForNow)
    throw refused('Its recipient has switched it off.')
  }
  const { profile, message, expiresAt } = outgoing
  if (profile === null) throw refused('Nobody is left to tell.')
  if (expiresAt <= clock.now()) throw refused('It is too late to tell.')
  const { email: address, name } = profile
  try {
    await mailer.send({
      to: { name, address },
      ...mailOf(message, profile),
      // The row is unique by what it tells to whom, so a second copy has the same id: N1.
      messageId: `<${id}@notifications.campus>`,
    })
  } catch (error) {
    if (!(error instanceof MailError) || !error.certain) throw error
    throw new EffectRefused(error.message, { isFinal: error.permanent, cause: error })
  }
}

/** Nothing was sent when the mail could not even be read. */
function refuseForNow(cause: unknown): never {
  throw new EffectRefused('The mail could not be read.', { isFinal: false, cause })
}

function refused(message: string): EffectRefused {
  return new EffectRefused(message, { isFinal: true })
}

function endingOf(outcome: EffectOutcome, isLast: boolean): Ending {
  switch (outcome) {
    case 'sent':
      return { state: 'sent' }
    case 'ambiguous':
      return { state: 'ambiguous', code: 'ambiguous' }
    case 'failed':
      return { state: 'failed', code: isLast ? 'unreachable' : 'refused' }
  }
}

function deliveryIdOf(payload: unknown): DeliveryId {
  if (!Check(Payload, payload)) throw refused('The effect names no delivery.')
  return payload.deliveryId
}
