import type { AnyId, ChallengeId } from '@campus/contracts/ids'
import type { Tx } from '@campus/platform/data/postgres'
import { and, eq, inArray, isNull, lte, or, type SQLWrapper, sql } from 'drizzle-orm'
import { pspDelivery, pspPayment } from '../schema.ts'
import type { AttemptId } from './provider.ts'
import type { PspPayment } from './simulation.ts'

/** A webhook that is to be sent. */
export interface Delivery {
  readonly id: AnyId
  readonly body: string
  readonly dueAt: Date
  readonly attempts: number
}

/**
 * Adds a payment with its webhooks, unless its attempt is known.
 *
 * @returns whether it was added
 */
export async function insertPayment(
  tx: Tx,
  payment: PspPayment,
  deliveries: readonly Delivery[],
): Promise<boolean> {
  const row = { ...payment, refunds: [...payment.refunds] }
  const inserted = tx.insert(pspPayment).values(row).onConflictDoNothing()
  return withDeliveries(tx, inserted.returning({ id: pspPayment.attemptId }), deliveries)
}

/** A payment without a lock. */
export async function findPayment(tx: Tx, attemptId: AttemptId): Promise<PspPayment | undefined> {
  const [row] = await tx.select().from(pspPayment).where(eq(pspPayment.attemptId, attemptId))
  return row
}

/** Locks the payment that a challenge belongs to. */
export async function lockChallenged(tx: Tx, id: ChallengeId): Promise<PspPayment | undefined> {
  const [row] = await tx
    .select()
    .from(pspPayment)
    .where(eq(pspPayment.challengeId, id))
    .for('update')
  return row
}

/** Locks payments whose silence is over, or whose dispute moves on; other replicas skip them. */
export async function lockDuePayments(tx: Tx, now: Date, max: number): Promise<PspPayment[]> {
  return tx
    .select()
    .from(pspPayment)
    .where(
      or(
        and(eq(pspPayment.state, 'pending'), lte(pspPayment.settleAt, now)),
        lte(pspPayment.disputeAt, now),
      ),
    )
    .limit(max)
    .for('update', { skipLocked: true })
}

/**
 * Writes a payment with the webhooks of what is new, unless somebody else has changed it first.
 *
 * @returns whether it was written
 */
export async function replacePayment(
  tx: Tx,
  before: PspPayment,
  after: PspPayment,
  deliveries: readonly Delivery[],
): Promise<boolean> {
  const replaced = tx
    .update(pspPayment)
    .set({ ...after, refunds: [...after.refunds] })
    .where(
      and(
        eq(pspPayment.attemptId, before.attemptId),
        eq(pspPayment.state, before.state),
        eq(pspPayment.refundAttempts, before.refundAttempts),
        before.disputeState === null
          ? isNull(pspPayment.disputeState)
          : eq(pspPayment.disputeState, before.disputeState),
      ),
    )
  return withDeliveries(tx, replaced.returning({ id: pspPayment.attemptId }), deliveries)
}

/** One statement: the webhooks are noted if and only if `change` has changed a payment. */
async function withDeliveries(
  tx: Tx,
  change: SQLWrapper,
  deliveries: readonly Delivery[],
): Promise<boolean> {
  const { rowCount } = await tx.execute(sql`
    with changed as ${change},
    noted as (
      insert into psp_delivery (id, body, due_at)
      select d.* from changed, unnest(
        ${sql.param(deliveries.map(({ id }) => id))}::uuid[],
        ${sql.param(deliveries.map(({ body }) => body))}::text[],
        ${sql.param(deliveries.map(({ dueAt }) => dueAt.toISOString()))}::timestamptz[]) d)
    select from changed`)
  return rowCount === 1
}

/** Takes due webhooks. One that is not settled until `retryAt` is taken again. */
export async function takeDeliveries(
  tx: Tx,
  { now, retryAt, max }: { readonly now: Date; readonly retryAt: Date; readonly max: number },
): Promise<Delivery[]> {
  const due = tx
    .select({ id: pspDelivery.id })
    .from(pspDelivery)
    .where(lte(pspDelivery.dueAt, now))
    .orderBy(pspDelivery.dueAt)
    .limit(max)
    .for('update', { skipLocked: true })
  return tx
    .update(pspDelivery)
    .set({ dueAt: retryAt, attempts: sql`${pspDelivery.attempts} + 1` })
    .where(inArray(pspDelivery.id, due))
    .returning()
}

/** Forgets webhooks that have arrived or were given up. */
export async function deleteDeliveries(tx: Tx, ids: readonly AnyId[]): Promise<void> {
  if (ids.length > 0) await tx.delete(pspDelivery).where(inArray(pspDelivery.id, [...ids]))
}

/** Puts a webhook off. */
export async function postponeDelivery(tx: Tx, id: AnyId, dueAt: Date): Promise<void> {
  await tx.update(pspDelivery).set({ dueAt }).where(eq(pspDelivery.id, id))
}
