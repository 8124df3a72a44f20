import type { IntentId, RefundId } from '@campus/contracts/ids'
import type { Money } from '@campus/contracts/money'
import type { Clock } from '@campus/platform/clock'
import type { Postgres } from '@campus/platform/data/postgres'
import { chassis, fail } from '@campus/platform/errors'
import { newId } from '@campus/platform/new-id'
import { refuse } from '../errors.ts'
import { type Book, carryOut } from './carry-out.command.ts'
import { lockIntent } from './intent.store.ts'
import type { Intent } from './intent.ts'
import { decideRefund, refundRefusal } from './lifecycle.ts'

/** A refund together with the payment that it is of. */
export interface RefundOfIntent {
  readonly intent: Intent
  readonly refundId: RefundId
}

/**
 * Gives money of a fine back. Orders keep their own account of what was refunded, so their money goes
 * back through them.
 *
 * @throws AppError `request.not_found`, `payments.refund_through_order`, `payments.not_captured`,
 *   `payments.exceeds_captured`
 */
export async function refundFine(
  { postgres, clock, book }: { postgres: Postgres; clock: Clock; book: Book },
  { intentId, amount }: { readonly intentId: IntentId; readonly amount: Money },
): Promise<RefundOfIntent> {
  return postgres.transaction(async tx => {
    const intent = await lockIntent(tx, intentId)
    if (intent === undefined) return fail(chassis.notFound())
    if (intent.ref.type === 'order') return fail(refuse.refund_through_order())
    const code = refundRefusal(intent, amount)
    if (code !== undefined) return fail(refuse[code]())
    const now = clock.now()
    const refundId = newId<RefundId>()
    const decided = decideRefund(intent, { refundId, amount }, now)
    return { intent: await carryOut(tx, book, intent, decided, now), refundId }
  })
}
