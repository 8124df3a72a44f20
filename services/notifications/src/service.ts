import type { UserId } from '@campus/contracts/ids'
import { createChassis } from '@campus/platform/chassis'
import { createMailer } from '@campus/platform/data/mailer'
import type { Config } from './config.ts'
import { forgetOwnersJob } from './delivery/forget-owners.job.ts'
import { newsConsumer } from './delivery/news.consumer.ts'
import { createTeller } from './delivery/notify.command.ts'
import { releaseWaitingJob } from './delivery/release-waiting.job.ts'
import { mailEffect } from './delivery/send-mail.command.ts'
import { countUnread, raiseVersions } from './inbox/notification.store.ts'
import { notificationRoutes } from './inbox/notifications.routes.ts'
import { sweepReadJob } from './inbox/sweep-read.job.ts'
import { createNewsChannel } from './news-channel.ts'
import { findPreferences } from './preferences/preference.store.ts'
import { channelsOf } from './preferences/preference.ts'
import { preferenceRoutes } from './preferences/preferences.routes.ts'
import { localeOf } from './profile/profile.store.ts'
import { profileConsumer } from './profile/profile-saved.consumer.ts'
import { createAudience } from './stream/audience.ts'
import { streamRoutes } from './stream/stream.routes.ts'
import { watchListsJob } from './stream/watch-lists.job.ts'

/** Composes the notifications service; nothing connects before `start`. */
export function buildService(config: Config) {
  const chassis = createChassis({ service: 'notifications', config })
  const { postgres, redis, cache, clock, metrics, app, lifecycle } = chassis
  const mailer = createMailer({
    url: config.SMTP_URL,
    from: { name: 'Campus', address: config.MAIL_FROM },
  })
  const silent = metrics.counter('notifications_silent_total', 'Events that nobody was told of.', [
    'category',
    'cause',
  ])
  const audience = createAudience({
    perUserMax: config.STREAMS_PER_USER_MAX,
    max: config.STREAMS_MAX,
  })
  metrics.gauge('notifications_streams', 'Event streams that are open.', [], gauge =>
    gauge.set(audience.size),
  )
  const news = createNewsChannel({
    redis,
    redisUrl: config.REDIS_URL,
    onHint: hint => {
      if ('sid' in hint) audience.end(hint.sid)
      else audience.ring(hint.userId, hint.version)
    },
  })
  const onListed = (userId: UserId, version: number) => {
    void cache.drop(`unread:${userId}`, version)
    news.tell({ userId, version })
  }
  const unreadOf = async (userId: UserId): Promise<number> => {
    const load = async () => {
      const { count: value, version } = await postgres.read(tx => countUnread(tx, userId))
      return { value, version }
    }
    return (await cache.get(`unread:${userId}`, { ttlSeconds: 30, load })) ?? 0
  }

  app.register(
    notificationRoutes({
      postgres,
      clock,
      cursorSecret: config.CURSOR_SECRET,
      localeOf,
      unreadOf,
      onListed,
    }),
  )
  app.register(
    streamRoutes({
      postgres,
      clock,
      audience,
      heartbeatMs: config.STREAM_HEARTBEAT_SECONDS * 1_000,
      localeOf,
      countUnread,
    }),
  )
  app.register(preferenceRoutes({ postgres }))

  lifecycle.onStart('news', () => news.start())
  const service = chassis.run({
    consumers: [
      profileConsumer,
      newsConsumer({
        ...createTeller({
          async channelsOf(tx, userIds) {
            const preferenceOf = await findPreferences(tx, userIds)
            return (userId, category) => channelsOf(preferenceOf(userId), category)
          },
          raiseVersions,
          onListed,
          onSilence: (category, cause) => silent.inc({ category, cause }),
        }),
        onSessionEnded: sid => news.tell({ sid }),
      }),
    ],
    effects: [mailEffect({ postgres, clock, mailer, attemptsMax: config.MAIL_ATTEMPTS_MAX })],
    jobs: [
      releaseWaitingJob(
        { postgres },
        { periodMs: config.RELEASE_PERIOD_MS, waitSeconds: config.PROFILE_WAIT_SECONDS },
      ),
      watchListsJob({ postgres, audience }, { periodMs: config.STREAM_LOOK_MS }),
      sweepReadJob({ postgres }),
      forgetOwnersJob({ postgres }),
    ],
  })
  lifecycle.onStop('news', () => news.stop())
  lifecycle.onStop('mailer', () => mailer.close())
  return service
}
