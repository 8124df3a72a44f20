import { sessionRevoked } from '@campus/contracts/events/users'
import type { SessionId } from '@campus/contracts/ids'
import { onCommit } from '@campus/platform/data/postgres'
import { defineConsumer, on } from '@campus/platform/events/consumer'
import { accountNews } from './account-news.consumer.ts'
import type { NotifyDeps } from './notify.command.ts'
import { orderNews } from './order-news.consumer.ts'
import { paymentNews } from './payment-news.consumer.ts'

/** Hears what people are told about. */
export function newsConsumer(
  deps: NotifyDeps & {
    /** A session is over: nobody may be told by it any more. */
    readonly onSessionEnded: (sid: SessionId) => void
  },
) {
  return defineConsumer({
    name: 'notifications.news',
    kind: 'process',
    // What is too old to be told is counted only, so a new installation mails nobody of last year.
    onBootstrap: 'replay',
    // Two orders of one person are in different partitions, and both raise the version of that person.
    handlers: [
      ...accountNews(deps),
      ...orderNews(deps),
      ...paymentNews(deps),
      on(sessionRevoked, async ({ tx, event }) => {
        onCommit(tx, () => deps.onSessionEnded(event.data.sid))
      }),
    ],
  })
}
