import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { createPostgres } from '@campus/platform/data/postgres'
import { sql } from 'drizzle-orm'
import { exchange } from '../../local/exchange.ts'
import type { PlannedFault } from './schedule.ts'
import type { Site } from './site.ts'

/** How a replica that was started for a while leaves. */
const replicaMs = { min: 8_000, factor: 2 }

/**
 * Does one fault and heals it after its time.
 *
 * @throws when the target is not there, e.g. because another fault has ended it just now
 */
export async function inject(site: Site, { fault, target, forMs }: PlannedFault): Promise<void> {
  switch (fault) {
    case 'kill':
      process.kill(await site.mesh.pidOf(target), 'SIGKILL')
      return
    case 'stop':
      // Postgres takes SIGINT for "now, but in order".
      process.kill(await site.mesh.pidOf(target), target === 'postgres' ? 'SIGINT' : 'SIGTERM')
      return
    case 'freeze':
      return freeze(await site.mesh.pidOf(target), forMs)
    case 'reset':
      proxyOf(site, target).reset()
      return
    case 'cut':
      return forAWhile(site, target, forMs, proxy => proxy.cut())
    case 'mute':
      return forAWhile(site, target, forMs, proxy => proxy.mute())
    case 'hang':
      return forAWhile(site, target, forMs, proxy => proxy.freeze())
    case 'slow':
      return forAWhile(site, target, forMs, proxy => proxy.slow({ ms: 1_500, share: 0.1 }))
    case 'storm':
      return storm(site)
    case 'flush':
      return flush(site)
    case 'smtpRefuse':
      return forAWhile(site, 'smtp', forMs, proxy => proxy.cut())
    case 'smtpLater':
      return moody(site, 'later', forMs)
    case 'smtpSilent':
      return moody(site, 'silent', forMs)
    case 'replica':
      return addReplica(await site.mesh.pidOf(target), replicaMs.min + replicaMs.factor * forMs)
  }
}

/** Makes everything pass again, whatever is still going on. */
export function healAll({ proxies, mail }: Site): void {
  for (const proxy of Object.values(proxies)) proxy.restore()
  mail.become('takes')
}

function proxyOf({ proxies }: Site, target: string) {
  const proxy = Object.entries(proxies).find(([name]) => name === target)?.[1]
  if (proxy === undefined) throw new Error(`There is no proxy in front of ${target}.`)
  return proxy
}

async function forAWhile(
  site: Site,
  target: string,
  forMs: number,
  harm: (proxy: ReturnType<typeof proxyOf>) => void,
): Promise<void> {
  const proxy = proxyOf(site, target)
  harm(proxy)
  await delay(forMs)
  proxy.restore()
}

async function freeze(pid: number, forMs: number): Promise<void> {
  process.kill(pid, 'SIGSTOP')
  await delay(forMs)
  process.kill(pid, 'SIGCONT')
}

async function moody({ mail }: Site, mood: 'later' | 'silent', forMs: number): Promise<void> {
  mail.become(mood)
  await delay(forMs)
  mail.become('takes')
}

async function storm({ mesh }: Site): Promise<void> {
  const url = mesh.env['DATABASE_URL'] ?? ''
  const postgres = createPostgres({ url, max: 1, applicationName: 'chaos' })
  try {
    for (let gust = 0; gust < 3; gust += 1) {
      await postgres.read(tx =>
        tx.execute(sql`select pg_terminate_backend(pid) from pg_stat_activity
          where application_name like 'campus-%' and random() < 0.5`),
      )
      await delay(300)
    }
  } finally {
    await postgres.close()
  }
}

async function flush({ mesh }: Site): Promise<void> {
  const { port } = new URL(mesh.env['REDIS_URL'] ?? '')
  await exchange(Number(port), Buffer.from('FLUSHALL\r\n'), answer => answer.includes('+OK'))
}

/** Starts the same program with the same settings on ports of its own, and takes it away again. */
async function addReplica(pid: number, forMs: number): Promise<void> {
  const read = (name: string) => readFileSync(`/proc/${pid}/${name}`, 'utf8').split('\0')
  const [command = '', ...args] = read('cmdline').filter(part => part !== '')
  const entries = read('environ').flatMap(pair => {
    const at = pair.indexOf('=')
    return at > 0 ? [[pair.slice(0, at), pair.slice(at + 1)] as const] : []
  })
  const child = spawn(command, args, {
    cwd: `/proc/${pid}/cwd`,
    env: { ...Object.fromEntries(entries), PORT: '0', ADMIN_PORT: '0' },
    stdio: 'ignore',
  })
  const exited = once(child, 'exit')
  await Promise.race([delay(forMs), exited])
  // Half of them leave in order.
  child.kill(Math.floor(forMs) % 2 === 0 ? 'SIGTERM' : 'SIGKILL')
  await exited
}
