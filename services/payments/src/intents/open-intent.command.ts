import type { IntentId, RefundId } from '@campus/contracts/ids'
import type { Tx } from '@campus/platform/data/postgres'
import { newId } from '@campus/platform/new-id'
import { currentFlow } from '@campus/platform/process/flow'
import type { AttemptId } from '../psp/provider.ts'
import { newIntent, type WantedIntent } from './intent.ts'
import { decideConfirmation, decideOpenedAgain, decideOpening } from './lifecycle.ts'
import type { TellIntent } from './tell-intents.command.ts'

/** Opens the one intent of a Ref and says so; asked again it says so again. */
export function openIntent(
  tx: Tx,
  tell: TellIntent,
  wanted: Pick<WantedIntent, 'ref' | 'userId' | 'amount' | 'expiresAt'>,
  /** Of the card that the buyer has chosen; the attempt to pay begins at once. */
  token: string | undefined,
  now: Date,
): void {
  const id = newId<IntentId>()
  const correlationId = currentFlow()?.correlationId ?? id
  const made = newIntent({ ...wanted, id, correlationId }, now)
  const about = { ref: wanted.ref }
  let isNew = false
  tell(tx, {
    about,
    made,
    decide(intent, isMade) {
      isNew = isMade
      const opening = isMade
        ? decideOpening(intent, { now, refundId: newId<RefundId>() })
        : decideOpenedAgain(intent)
      return { outcome: opening }
    },
    now,
  })
  if (token === undefined) return
  tell(tx, {
    about,
    decide(opened) {
      if (!isNew || opened.state !== 'requires_payment') return undefined
      const attempt = { attemptId: newId<AttemptId>(), isTokenKnown: true, now }
      return { outcome: decideConfirmation(opened, attempt), token }
    },
    now,
  })
}
