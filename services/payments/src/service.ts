import { createChassis } from '@campus/platform/chassis'
import { defineConsumer } from '@campus/platform/events/consumer'
import type { Config } from './config.ts'
import { providerCalls } from './intents/ask-provider.command.ts'
import { refundCall } from './intents/ask-refund.command.ts'
import { noteConfirmed } from './intents/confirm-order.command.ts'
import { intentRoutes } from './intents/intent.routes.ts'
import { findIntent } from './intents/intent.store.ts'
import { orderRequestHandlers } from './intents/order-requests.consumer.ts'
import { refundRoutes } from './intents/refund.routes.ts'
import { retryRefundsJob } from './intents/retry-refunds.job.ts'
import { returnOrphansJob } from './intents/return-orphans.job.ts'
import { isKnown, type News, settleIntent } from './intents/settle-intent.command.ts'
import { createTellIntent } from './intents/tell-intents.command.ts'
import { book } from './ledger/book.command.ts'
import { ledgerRoutes } from './ledger/ledger.routes.ts'
import { orderConfirmedHandler } from './ledger/order-confirmed.consumer.ts'
import { methodRoutes } from './methods/method.routes.ts'
import { tokenOf } from './methods/method.store.ts'
import { challengeRoutes } from './psp/challenge.routes.ts'
import { deliverWebhooksJob } from './psp/deliver-webhooks.job.ts'
import type { Webhook } from './psp/provider.ts'
import { settlePaymentsJob } from './psp/settle-payments.job.ts'
import { createProvider } from './psp/simulate-provider.command.ts'
import type { PspDelays } from './psp/simulation.ts'
import { sweepWebhooksJob } from './webhooks/sweep-webhooks.job.ts'
import { webhookRoutes } from './webhooks/webhook.routes.ts'

/** Refunds wait no longer than this between two attempts. */
const hourMs = 3_600_000

/** Composes the payments service; nothing connects before `start`. */
export function buildService(config: Config) {
  const chassis = createChassis({
    service: 'payments',
    config,
    rateLimits: { confirm: { max: 30, windowSeconds: 60, by: 'user' } },
  })
  const { postgres, clock, logger, metrics, app } = chassis
  const psp = { postgres, clock, delays: delaysOf(config) }
  const secret = config.WEBHOOK_SECRET

  const provider = createProvider(psp)
  const tell = createTellIntent(book)
  const timeoutMs = config.PSP_TIMEOUT_MS

  app.register(intentRoutes({ postgres, clock, book, tokenOf }))
  app.register(methodRoutes({ postgres, clock, provider, timeoutMs }))
  app.register(refundRoutes({ postgres, clock, book }))
  app.register(ledgerRoutes({ postgres, cursorSecret: config.CURSOR_SECRET }))
  app.register(
    challengeRoutes({
      ...psp,
      isOwn: async (tx, intentId, userId) => (await findIntent(tx, intentId))?.userId === userId,
    }),
  )
  app.register(
    webhookRoutes({
      postgres,
      clock,
      secret,
      isKnown: (tx, webhook, now) => isKnown(tx, newsOf(webhook), now),
      settle: (tx, webhook, now) => settleIntent(tx, tell, newsOf(webhook), now),
    }),
  )

  /** Port 0 is a free one, which is known once the server listens. */
  function webhookUrl(): string {
    const address = app.server.address()
    const port = address === null || typeof address === 'string' ? config.PORT : address.port
    return config.PSP_WEBHOOK_URL || `http://127.0.0.1:${port}/v1/psp/webhooks`
  }

  const calls = {
    postgres,
    clock,
    tell,
    provider,
    timeoutMs,
  }
  const orphaned = metrics.gauge(
    'payments_orphaned',
    'Captured payments that have waited too long for their order.',
  )

  return chassis.run({
    consumers: [
      defineConsumer({
        name: 'payments.orders',
        kind: 'process',
        onBootstrap: 'replay',
        handlers: [
          ...orderRequestHandlers(tell, tokenOf),
          orderConfirmedHandler((tx, ref, onKept, now) =>
            noteConfirmed(tx, tell, ref, onKept, now),
          ),
        ],
      }),
    ],
    effects: [
      ...providerCalls(calls),
      refundCall({ ...calls, backOff: { firstMs: config.REFUND_BACK_OFF_MS, maxMs: hourMs } }),
    ],
    jobs: [
      settlePaymentsJob(psp, config.PSP_PERIOD_MS),
      deliverWebhooksJob({
        postgres,
        logger,
        secret,
        url: webhookUrl,
        periodMs: config.PSP_PERIOD_MS,
      }),
      sweepWebhooksJob(postgres),
      retryRefundsJob(postgres, config.REFUND_PERIOD_MS),
      returnOrphansJob(
        {
          postgres,
          book,
          gauge: orphaned,
          alertMs: config.ORPHAN_ALERT_SECONDS * 1_000,
          refundMs: config.ORPHAN_REFUND_SECONDS * 1_000,
        },
        config.ORPHAN_PERIOD_MS,
      ),
    ],
  })
}

function newsOf({ intentId, attemptId, fact }: Webhook): News {
  return { intentId, attemptId, facts: [fact] }
}

function delaysOf(config: Config): PspDelays {
  return {
    lateSuccessMs: config.PSP_LATE_SUCCESS_MS,
    lateWebhookMs: config.PSP_LATE_WEBHOOK_MS,
    repeatMs: config.PSP_REPEAT_MS,
    lateRepeatMs: config.PSP_LATE_REPEAT_MS,
    reorderMs: config.PSP_REORDER_MS,
    disputeMs: config.PSP_DISPUTE_MS,
    disputeLostMs: config.PSP_DISPUTE_LOST_MS,
  }
}
