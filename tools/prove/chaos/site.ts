import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Cleanup } from '@campus/platform/testing/cleanup'
import { createTcpProxy, type TcpProxy } from '@campus/platform/testing/tcp-proxy'
import { locateHome, openHome } from '../../local/home.ts'
import { startInbox } from '../../local/inbox/inbox.ts'
import type { MailMood } from '../../local/inbox/smtp.ts'
import { holdPort } from '../../local/ports.ts'
import { readRunFile } from '../../local/run-file.ts'
import { openSecrets } from '../../local/secrets.ts'
import { type Mesh, startMesh } from '../mesh.ts'
import { services } from './schedule.ts'

/** A mesh in which everything between services and servers can be broken. */
export interface Site {
  readonly mesh: Mesh
  readonly home: string
  /** Between every client and Postgres, Kafka, Valkey, and between the mesh and its mail server. */
  readonly proxies: Readonly<Record<'postgres' | 'kafka' | 'valkey' | 'smtp', TcpProxy>>
  /** Changes how the mail server answers. */
  readonly mail: { become(mood: MailMood): void }
}

/** Times that let every order end within the quiet after the faults. */
const hurry = (paymentSeconds: number) => ({
  CAMPUS_ORDERS_RESERVE_TIMEOUT_SECONDS: '60',
  CAMPUS_ORDERS_PAYMENT_TIMEOUT_SECONDS: String(paymentSeconds),
  CAMPUS_ORDERS_HOLD_SECONDS: '600',
  CAMPUS_ORDERS_STEP_TIMEOUT_SECONDS: '30',
  CAMPUS_ORDERS_CAPTURE_GIVE_UP_SECONDS: '90',
  CAMPUS_ORDERS_TIMER_PERIOD_MS: '1000',
  CAMPUS_PAYMENTS_PSP_TIMEOUT_MS: '2000',
  CAMPUS_PAYMENTS_PSP_LATE_SUCCESS_MS: '4000',
  CAMPUS_PAYMENTS_PSP_LATE_WEBHOOK_MS: String((paymentSeconds + 5) * 1_000),
  CAMPUS_PAYMENTS_PSP_REORDER_MS: '1000',
  CAMPUS_PAYMENTS_PSP_LATE_REPEAT_MS: '5000',
  CAMPUS_PAYMENTS_REFUND_PERIOD_MS: '1000',
  CAMPUS_PAYMENTS_REFUND_BACK_OFF_MS: '1000',
})

/**
 * Starts the site.
 *
 * @param options.isKept keeps the home, for its logs
 * @param options.paymentSeconds how long an order waits for its payment
 */
export async function openSite(
  t: Cleanup,
  { isKept, paymentSeconds }: { readonly isKept: boolean; readonly paymentSeconds: number },
): Promise<Site> {
  const path = mkdtempSync(join(tmpdir(), 'campus-chaos-'))
  if (!isKept) t.teardown(() => rmSync(path, { recursive: true, force: true }))
  const home = openHome(path)
  const secrets = openSecrets(home)
  const real = (name: string) => () => {
    const url = readRunFile(locateHome(path))?.env[name]
    if (url === undefined || url === '') throw new Error(`${name} is not known yet.`)
    return url
  }
  let mood: MailMood = 'takes'
  const [smtpPort, httpPort] = await Promise.all([holdPort(undefined), holdPort(undefined)])
  const inbox = await startInbox(
    home.mail,
    { smtp: smtpPort, http: httpPort },
    // Every mail is counted in the end.
    { mood: () => mood, keptMax: 1_000_000 },
  )
  t.teardown(() => inbox.stop())
  const [postgres, valkey, kafka, smtp] = await Promise.all([
    createTcpProxy(t, real('DATABASE_URL')),
    createTcpProxy(t, real('REDIS_URL')),
    createTcpProxy(t, () => kafkaAddress(path)),
    createTcpProxy(t, inbox.smtpUrl),
  ])
  const mesh = await startMesh(
    t,
    {
      ...hurry(paymentSeconds),
      SMTP_URL: `smtp://127.0.0.1:${smtp.port}`,
      INBOX_URL: inbox.url,
      CAMPUS_KAFKA_ADVERTISED_PORT: String(kafka.port),
      ...Object.fromEntries(
        services.flatMap(service => {
          const prefix = `CAMPUS_${service.toUpperCase()}`
          return [
            [`${prefix}_REDIS_URL`, `redis://127.0.0.1:${valkey.port}`],
            [
              `${prefix}_DATABASE_URL`,
              `postgres://campus_${service}:${secrets(`${service}.database`)}@127.0.0.1:${postgres.port}/postgres`,
            ],
          ]
        }),
      ),
    },
    { home: path },
  )
  const mail = {
    become(next: MailMood) {
      mood = next
    },
  }
  return { mesh, home: path, mail, proxies: { postgres, kafka, valkey, smtp } }
}

/** Where the broker listens; what it advertises is the proxy. */
function kafkaAddress(home: string): string {
  const text = readFileSync(join(locateHome(home).data, 'kafka', 'server.properties'), 'utf8')
  const port = /^listeners=PLAINTEXT:\/\/[^:]+:(\d+)/m.exec(text)?.[1]
  if (port === undefined) throw new Error('The broker has no listener yet.')
  return `tcp://127.0.0.1:${port}`
}
