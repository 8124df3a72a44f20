import type { PaymentMethodId, UserId } from '@campus/contracts/ids'
import type { Clock } from '@campus/platform/clock'
import type { Postgres } from '@campus/platform/data/postgres'
import { chassis, fail, refuseAll } from '@campus/platform/errors'
import { newId } from '@campus/platform/new-id'
import { refuse } from '../errors.ts'
import type { Provider } from '../psp/provider.ts'
import { insertMethod, leaveMethod, lockMethodsOf, methodsOf } from './method.store.ts'
import { methodsMax, type PaymentMethod } from './method.ts'

export interface MethodDeps {
  readonly postgres: Postgres
  readonly clock: Clock
  readonly provider: Pick<Provider, 'describe'>
  /** Longest wait for the provider. */
  readonly timeoutMs: number
}

/**
 * Keeps a card for later; one that is kept already is answered as it is.
 *
 * @throws AppError `payments.token_unknown`, `payments.too_many_methods`
 */
export async function saveMethod(
  { postgres, clock, provider, timeoutMs }: MethodDeps,
  userId: UserId,
  token: string,
): Promise<{ readonly method: PaymentMethod; readonly isNew: boolean }> {
  const card = await provider.describe(token, AbortSignal.timeout(timeoutMs))
  if (card === undefined) return fail(refuse.token_unknown())
  return postgres.transaction(async tx => {
    await lockMethodsOf(tx, userId)
    const known = await methodsOf(tx, userId)
    const same = known.find(method => method.token === token)
    if (same !== undefined) return { method: same, isNew: false }
    refuseAll(known.length < methodsMax ? [] : [refuse.too_many_methods({ max: methodsMax })])
    const id = newId<PaymentMethodId>()
    const method = { ...card, id, userId, token, createdAt: clock.now(), removedAt: null }
    await insertMethod(tx, method)
    return { method, isNew: true }
  })
}

/** Forgets a card. @throws AppError `request.not_found` */
export async function removeMethod(
  { postgres, clock }: MethodDeps,
  userId: UserId,
  id: PaymentMethodId,
): Promise<void> {
  const isKnown = await postgres.transaction(tx => leaveMethod(tx, userId, id, clock.now()))
  if (!isKnown) fail(chassis.notFound())
}
