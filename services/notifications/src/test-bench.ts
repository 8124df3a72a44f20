import { tombstone } from '@campus/contracts/envelope'
import {
  orderCancelled,
  orderConfirmed,
  orderPlaced,
  orderRefunded,
  orderShipped,
} from '@campus/contracts/events/orders'
import {
  intentCreated,
  paymentActionRequired,
  paymentDeclined,
} from '@campus/contracts/events/payments'
import { emailVerified, passwordChanged, profileSaved } from '@campus/contracts/events/users'
import {
  type AnyId,
  asId,
  type IntentId,
  type OrderId,
  type PriceId,
  type UserId,
  type VariantId,
} from '@campus/contracts/ids'
import { topics } from '@campus/contracts/topics'
import { newId } from '@campus/platform/new-id'
import { loadConfig } from '@campus/platform/process/config'
import type { Cleanup } from '@campus/platform/testing/cleanup'
import { eventually } from '@campus/platform/testing/eventually'
import { createTestSurroundings } from '@campus/platform/testing/service'
import { sql } from 'drizzle-orm'
import { Type } from 'typebox'
import { Check } from 'typebox/value'
import { Config } from './config.ts'
import { buildService } from './service.ts'

const eur = (amount: number) => ({ amount, currency: 'EUR' })

/** A whole notifications service with everything around it. */
export async function openBench(t: Cleanup, settings: Record<string, string> = {}) {
  const around = await createTestSurroundings(t, { service: 'notifications', topics })
  const { SMTP_URL, INBOX_URL: inboxUrl } = process.env
  if (SMTP_URL === undefined || inboxUrl === undefined) {
    throw new Error('Run the tests by `npm test`: it starts an inbox.')
  }
  const env = { ...around.env, SMTP_URL, RELEASE_PERIOD_MS: '100', ...settings }
  const { app, url, stop } = await startReplica(t, env)

  /** Mails to an address, the oldest first. */
  async function mailsTo(address: string) {
    const found = await getJson(`${inboxUrl}/api/v1/search?query=to:${encodeURIComponent(address)}`)
    if (!Check(MailList, found)) throw new Error('The inbox answers something else than mails.')
    const mails = await Promise.all(
      found.messages.map(async ({ ID }) => getJson(`${inboxUrl}/api/v1/message/${ID}`)),
    )
    return mails.filter(mail => Check(Mail, mail)).toReversed()
  }

  /** The mails to an address, once there are `count`. */
  async function mailed(address: string, count = 1) {
    return eventually(async () => {
      const mails = await mailsTo(address)
      if (mails.length !== count) throw new Error(`There are ${mails.length} mails to ${address}.`)
      return mails
    })
  }

  /** Deliveries to somebody, the oldest first. */
  async function deliveriesTo(userId: UserId) {
    const { rows } = await around.postgres.read(tx =>
      tx.execute<{ id: string; state: string; attempts: number }>(sql`
        select id, state, attempts from delivery where user_id = ${userId} order by id`),
    )
    return rows
  }

  /** Types of the events that tell of a person, in order. */
  async function emitted(userId: UserId): Promise<string[]> {
    const { rows } = await around.postgres.read(tx =>
      tx.execute<{ type: string }>(sql`
        select type, aggregate_version from outbox where aggregate_key = ${`recipient:${userId}`}
        union all
        select type, aggregate_version from outbox_archive
        where aggregate_key = ${`recipient:${userId}`} order by aggregate_version`),
    )
    return rows.map(({ type }) => type.split('.')[1] ?? '')
  }

  return {
    ...around,
    env,
    app,
    url,
    stop,
    /** One more process of the same service. */
    replica: async (more: Record<string, string> = {}) => startReplica(t, { ...env, ...more }),
    mailsTo,
    mailed,
    deliveriesTo,
    emitted,
  }
}

async function startReplica(t: Cleanup, env: Record<string, string>) {
  const service = buildService(loadConfig(Config, env))
  await service.start()
  t.teardown(() => service.stop())
  const address = service.app.server.address()
  if (typeof address !== 'object' || address === null) throw new Error('It does not listen.')
  return { app: service.app, url: `http://127.0.0.1:${address.port}`, stop: () => service.stop() }
}

/** Somebody whom no other test knows. */
export function newReader(change: { readonly name?: string; readonly locale?: string } = {}) {
  const userId = newId<UserId>()
  const email = `r-${userId}@example.org`
  const person = { userId, email, name: 'Ada', locale: 'en', ...change }
  return {
    userId,
    email,
    profile: (version = 1) => profileSaved.of({ ...person, version }),
    movedTo: (address: string, version: number) =>
      profileSaved.of({ ...person, email: address, version }),
    erased: () => tombstone(profileSaved, userId),
    verified: () => emailVerified.of({ userId, roles: ['student'] }),
    passwordChanged: () => passwordChanged.of({ userId }),
    placed: (orderId: OrderId) => orderPlaced.of({ ...orderPlaced.example, orderId, userId }),
    shipped: (orderId: OrderId) => orderShipped.of({ ...orderShipped.example, orderId }),
    refunded: (orderId: OrderId) => orderRefunded.of({ ...orderRefunded.example, orderId, userId }),
    /** The events of a payment of `orderId`. */
    payment: (orderId: OrderId) => {
      const intentId = newId<IntentId>()
      const about = { intentId, ref: { type: 'order' as const, id: asId<AnyId>(orderId) } }
      return {
        created: () => intentCreated.of({ ...intentCreated.example, ...about, userId }),
        declined: () => paymentDeclined.of({ ...paymentDeclined.example, ...about }),
        challenged: () => paymentActionRequired.of({ ...paymentActionRequired.example, ...about }),
      }
    },
    confirmed: (orderId: OrderId, title = 'Campus mug') => {
      const line = {
        lineNo: 1,
        variantId: newId<VariantId>(),
        priceId: newId<PriceId>(),
        kind: 'physical' as const,
        title,
        quantity: 2,
        unitPrice: eur(1_290),
        discount: eur(0),
        tax: eur(0),
        total: eur(2_580),
      }
      const totals = {
        goods: eur(2_580),
        discount: eur(0),
        tax: eur(0),
        shipping: eur(490),
        total: eur(3_070),
      }
      const confirmedAt = '2026-01-01T00:01:00.000Z'
      return orderConfirmed.of({ orderId, userId, lines: [line], totals, confirmedAt })
    },
    cancelled: (orderId: OrderId) =>
      orderCancelled.of({
        orderId,
        userId,
        reason: 'out_of_stock',
        by: { type: 'service', id: 'catalog' },
        refundedTotal: eur(0),
      }),
  }
}

export const newOrderId = (): OrderId => asId<OrderId>(newId())

const MailList = Type.Object({ messages: Type.Array(Type.Object({ ID: Type.String() })) })
const Mail = Type.Object({
  MessageID: Type.String(),
  Subject: Type.String(),
  Text: Type.String(),
  HTML: Type.String(),
})

async function getJson(url: string): Promise<unknown> {
  const response = await fetch(url)
  return response.json()
}
