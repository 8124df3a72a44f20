import { createChassis } from '@campus/platform/chassis'
import { createMailer } from '@campus/platform/data/mailer'
import type { Config } from './config.ts'
import { newsConsumer } from './delivery/news.consumer.ts'
import { releaseWaitingJob } from './delivery/release-waiting.job.ts'
import { mailEffect } from './delivery/send-mail.command.ts'
import { notificationRoutes } from './inbox/notifications.routes.ts'
import { sweepReadJob } from './inbox/sweep-read.job.ts'
import { localeOf } from './profile/profile.store.ts'
import { profileConsumer } from './profile/profile-saved.consumer.ts'

/** Composes the notifications service; nothing connects before `start`. */
export function buildService(config: Config) {
  const chassis = createChassis({ service: 'notifications', config })
  const { postgres, clock, metrics, app, lifecycle } = chassis
  const mailer = createMailer({
    url: config.SMTP_URL,
    from: { name: 'Campus', address: config.MAIL_FROM },
  })
  const silent = metrics.counter('notifications_silent_total', 'Events that nobody was told of.', [
    'category',
    'cause',
  ])

  app.register(
    notificationRoutes({ postgres, clock, cursorSecret: config.CURSOR_SECRET, localeOf }),
  )

  const service = chassis.run({
    consumers: [
      profileConsumer,
      newsConsumer({ onSilence: (category, cause) => silent.inc({ category, cause }) }),
    ],
    effects: [mailEffect({ postgres, clock, mailer, attemptsMax: config.MAIL_ATTEMPTS_MAX })],
    jobs: [
      releaseWaitingJob(
        { postgres },
        { periodMs: config.RELEASE_PERIOD_MS, waitSeconds: config.PROFILE_WAIT_SECONDS },
      ),
      sweepReadJob({ postgres }),
    ],
  })
  lifecycle.onStop('mailer', () => mailer.close())
  return service
}
