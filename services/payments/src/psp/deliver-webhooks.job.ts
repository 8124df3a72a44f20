import type { AnyId } from '@campus/contracts/ids'
import type { Postgres } from '@campus/platform/data/postgres'
import { defineJob } from '@campus/platform/process/jobs'
import type { Logger } from '@campus/platform/process/logger'
import { signatureHeader, signatureOf, timestampHeader } from '../signature.ts'
import { type Delivery, deleteDeliveries, postponeDelivery, takeDeliveries } from './psp.store.ts'

export interface WebhookSettings {
  readonly postgres: Postgres
  readonly logger: Logger
  /** Where webhooks are sent; asked for each round, because a port may be known late. */
  readonly url: () => string
  readonly secret: string
  readonly periodMs: number
}

const batchMax = 50
const timeoutMs = 5_000
/** A sender that vanished in the middle of a batch is replaced after this time. */
const leaseMs = 30_000
const backOffMs = { first: 1_000, max: 60_000 }
/** About a day. */
const attemptsMax = 1_500

/** Sends the webhooks of the simulated provider until they arrive. */
export function deliverWebhooksJob({ postgres, logger, url, secret, periodMs }: WebhookSettings) {
  /** @returns the delivery when it is over, because it has arrived or was given up */
  async function deliver(delivery: Delivery, signal: AbortSignal): Promise<AnyId | undefined> {
    const { id, body, attempts } = delivery
    try {
      await send(url(), secret, body, AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]))
      return id
    } catch (error) {
      logger.debug({ err: error, attempts }, 'webhook not delivered')
      if (attempts >= attemptsMax) return id
      const waitMs = Math.min(backOffMs.first * 2 ** Math.min(attempts - 1, 16), backOffMs.max)
      await postgres.read(tx => postponeDelivery(tx, id, new Date(Date.now() + waitMs)))
      return undefined
    }
  }

  return defineJob({
    name: 'psp.deliver-webhooks',
    periodMs,
    deadlineMs: leaseMs,
    async run({ now, signal }) {
      const retryAt = new Date(now.getTime() + leaseMs)
      const due = await postgres.read(tx => takeDeliveries(tx, { now, retryAt, max: batchMax }))
      const over = await Promise.all(due.map(delivery => deliver(delivery, signal)))
      await postgres.read(tx =>
        deleteDeliveries(
          tx,
          over.filter(id => id !== undefined),
        ),
      )
      return due.length === batchMax
    },
  })
}

async function send(url: string, secret: string, body: string, signal: AbortSignal): Promise<void> {
  const timestamp = String(Math.floor(Date.now() / 1_000))
  const response = await fetch(url, {
    method: 'POST',
    body,
    signal,
    redirect: 'error',
    headers: {
      'content-type': 'application/json',
      [timestampHeader]: timestamp,
      [signatureHeader]: signatureOf(secret, timestamp, body),
    },
  })
  await response.body?.cancel()
  if (!response.ok) throw new Error(`The webhook was answered ${response.status}.`)
}
