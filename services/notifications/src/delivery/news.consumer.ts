import { sessionRevoked } from '@campus/contracts/events/users'
import type { SessionId } from '@campus/contracts/ids'
import { onCommit } from '@campus/platform/data/postgres'
import { defineConsumer, on } from '@campus/platform/events/consumer'
import { accountNews } from './account-news.consumer.ts'
import type { Teller } from './notify.command.ts'
import { orderNews } from './order-news.consumer.ts'
import { paymentNews } from './payment-news.consumer.ts'

/** Hears what people are told about. */
export function newsConsumer(
  teller: Teller & {
    /** A session is over: nobody may be told by it any more. */
    readonly onSessionEnded: (sid: SessionId) => void
  },
) {
  return defineConsumer({
    name: 'notifications.news',
    kind: 'process',
    // What is too old to be told is counted only, so a new installation mails nobody of last year.
    onBootstrap: 'replay',
    handlers: [
      ...accountNews(teller),
      ...orderNews(teller),
      ...paymentNews(teller),
      on(sessionRevoked, async ({ tx, event }) => {
        onCommit(tx, () => teller.onSessionEnded(event.data.sid))
      }),
    ],
  })
}
