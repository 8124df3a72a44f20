import type { NewEvent } from '@campus/contracts/envelope'
import { captureRequested, paymentRequested } from '@campus/contracts/events/orders'
import { type AnyId, asId, type OrderId, type UserId } from '@campus/contracts/ids'
import { createPostgres } from '@campus/platform/data/postgres'
import { emit } from '@campus/platform/events/outbox'
import { newId } from '@campus/platform/new-id'
import { eventually } from '@campus/platform/testing/eventually'
import { sql } from 'drizzle-orm'

/** Roles that no client of the gateway plays. */
export interface Backstage {
  /** What the payment provider knows: the attempt that an intent is waiting for. */
  attemptOf(intentId: string): Promise<string>
  /** Asks somebody to pay a fine, as a library would: there is no service for that yet. */
  fine(userId: string, amountMinor: number): Promise<Fine>
  close(): Promise<void>
}

/** A fine that is to be paid. */
export interface Fine {
  readonly intentId: string
  /** Asks for the money that was authorised. */
  readonly capture: () => Promise<void>
}

/** How long a fine can be paid. */
const payableMs = 3_600_000

/** @param databases DATABASE_URL of each service */
export function openBackstage(databases: Readonly<Record<string, string>>): Backstage {
  const open = (service: string) =>
    createPostgres({ url: databases[service] ?? '', max: 1, applicationName: 'fuzz' })
  const [orders, payments] = [open('orders'), open('payments')]

  // Through the outbox of orders, whose relay gives the event its envelope and its place.
  async function publish(event: NewEvent): Promise<void> {
    await orders.transaction(async tx => emit(tx, event))
  }

  return {
    async attemptOf(intentId) {
      const { rows } = await payments.read(tx =>
        tx.execute(sql`select attempt_id from intent where id = ${intentId}`),
      )
      return String(rows[0]?.['attempt_id'])
    },

    async fine(userId, amountMinor) {
      const orderId = newId<OrderId>()
      const about = {
        orderId,
        ref: { type: 'fine' as const, id: asId<AnyId>(orderId) },
        amount: { amount: amountMinor, currency: 'EUR' },
      }
      const expiresAt = new Date(Date.now() + payableMs).toISOString()
      await publish(paymentRequested.of({ ...about, userId: asId<UserId>(userId), expiresAt }))
      const intentId = await eventually(async () => {
        const { rows } = await payments.read(tx =>
          tx.execute(sql`select id from intent where ref_id = ${orderId}`),
        )
        if (rows[0] === undefined) throw new Error(`Fine ${orderId} has no intent.`)
        return String(rows[0]['id'])
      })
      return { intentId, capture: () => publish(captureRequested.of(about)) }
    },

    async close() {
      await Promise.all([orders.close(), payments.close()])
    },
  }
}
