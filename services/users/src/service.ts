import type { UserId } from '@campus/contracts/ids'
import { createChassis } from '@campus/platform/chassis'
import { createMailer } from '@campus/platform/data/mailer'
import type { Tx } from '@campus/platform/data/postgres'
import {
  findAccount,
  findByEmail,
  holdAccount,
  lockAccount,
  lockAdmins,
  saveAccount,
  saveRehashed,
} from './account/account.store.ts'
import { mailPageRoutes } from './account/mail-page.routes.ts'
import { meRoutes } from './account/me.routes.ts'
import { passwordRoutes } from './account/password.routes.ts'
import { registrationRoutes } from './account/registration.routes.ts'
import { mailRequestEffect } from './account/request-mail.command.ts'
import { sweepTokensJob } from './account/sweep-tokens.job.ts'
import { addressRoutes } from './addresses/address.routes.ts'
import type { Config } from './config.ts'
import { directoryRoutes } from './directory/directory.routes.ts'
import { createPasswords } from './passwords.ts'
import { compareProfilesJob } from './profiles/compare-profiles.job.ts'
import { enqueueMail, mailEffect } from './secret-mail.ts'
import { mySessionRoutes } from './session/my-sessions.routes.ts'
import { sessionRoutes } from './session/session.routes.ts'
import { endSessionsOf } from './session/session.store.ts'
import { sweepSessionsJob } from './session/sweep-sessions.job.ts'
import { jwksRoutes } from './signing-key/jwks.routes.ts'
import { keepKeysJob } from './signing-key/keep-keys.job.ts'
import { createKeyring } from './signing-key/load-keyring.command.ts'
import { createVault } from './vault.ts'

/** Composes the users service; nothing connects before `start`. */
export function buildService(config: Config) {
  const chassis = createChassis({ service: 'users', config, rateLimits: rateLimitsOf(config) })
  const { postgres, kafka, clock, app, lifecycle, logger, metrics } = chassis
  const vault = createVault(config.KEY_ENCRYPTION_SECRET)
  const keyring = createKeyring({ postgres, clock, vault })
  const mailer = createMailer({
    url: config.SMTP_URL,
    from: { name: 'Campus', address: config.MAIL_FROM },
  })
  const passwords = createPasswords({
    concurrency: config.PASSWORD_CONCURRENCY,
    queueMax: config.PASSWORD_QUEUE_MAX,
  })

  app.register(jwksRoutes(keyring))
  const accountDeps = {
    postgres,
    clock,
    vault,
    passwords,
    enqueueMail: enqueueMail(vault),
    publicUrl: config.PUBLIC_URL,
    firstAdminSecret: config.FIRST_ADMIN_SECRET,
    endSessions: (tx: Tx, userId: UserId, now: Date) => endSessionsOf(tx, userId, 'reset', now),
  }
  app.register(registrationRoutes(accountDeps))
  app.register(passwordRoutes(accountDeps))
  app.register(mailPageRoutes())
  app.register(
    sessionRoutes({
      postgres,
      clock,
      vault,
      passwords,
      accounts: { findByEmail, holdAccount, saveRehashed },
      sign: (subject, now) => keyring.sign(subject, now),
    }),
  )
  app.register(mySessionRoutes({ postgres, clock, cursorSecret: config.CURSOR_SECRET }))
  app.register(meRoutes({ postgres, clock }))
  app.register(addressRoutes({ postgres, clock, lockAccount }))
  app.register(
    directoryRoutes({
      postgres,
      clock,
      accounts: {
        findAccount,
        lockAccount,
        saveAccount,
        lockAdmins,
        endSessions: (tx, userId, now) => endSessionsOf(tx, userId, 'suspended', now),
      },
      cursorSecret: config.CURSOR_SECRET,
    }),
  )

  const service = chassis.run({
    effects: [mailEffect(vault, mailer), mailRequestEffect(accountDeps)],
    jobs: [
      keepKeysJob(keyring),
      sweepTokensJob({ postgres }),
      sweepSessionsJob({ postgres }),
      compareProfilesJob({
        postgres,
        kafka,
        logger,
        holdAccount,
        repairs: metrics.counter(
          'users_profile_repairs_total',
          'Profiles that were published again because the topic was wrong.',
          ['flaw'],
        ),
        compared: metrics.gauge(
          'users_profiles_compared',
          'Accounts that the last comparison with the topic of profiles has looked at.',
        ),
      }),
    ],
  })
  lifecycle.onStop('mailer', () => mailer.close())
  return service
}

function rateLimitsOf(config: Config) {
  const minute = 60
  const hour = 3_600
  return {
    login_address: { max: config.LOGIN_PER_MINUTE_ADDRESS, windowSeconds: minute, by: 'address' },
    login_account: { max: config.LOGIN_PER_MINUTE_ACCOUNT, windowSeconds: minute },
    refresh: { max: config.LOGIN_PER_MINUTE_ADDRESS * 4, windowSeconds: minute, by: 'address' },
    register: { max: config.REGISTER_PER_HOUR, windowSeconds: hour, by: 'address' },
    verify: { max: config.LOGIN_PER_MINUTE_ADDRESS, windowSeconds: minute, by: 'address' },
    password: { max: config.LOGIN_PER_MINUTE_ACCOUNT, windowSeconds: minute },
    mails: { max: config.MAILS_PER_HOUR, windowSeconds: hour },
  } as const
}
