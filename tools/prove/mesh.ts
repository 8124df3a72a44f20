import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Cleanup } from '@campus/platform/testing/cleanup'
import { locateHome } from '../local/home.ts'
import { readRunFile } from '../local/run-file.ts'
import { readStatus, type Status } from '../local/status.ts'
import { type Client, createClient } from './client.ts'
import { becomeFirstAdmin, type Person } from './people.ts'

/** A mesh of its own for one test file: servers, services and launcher as `npm start` runs them. */
export interface Mesh {
  /** The folder with its data and logs. */
  readonly home: string
  readonly client: Client
  readonly inboxUrl: string
  readonly admin: Person
  /** Addresses of the servers, as a superuser sees them. */
  readonly env: Readonly<Record<string, string>>
  /** The environment of the launcher, whose `CAMPUS_<SERVICE>_` variables set up its services. */
  readonly settings: NodeJS.ProcessEnv
  status(): Promise<Status>
  /** Pid of a process by its name, e.g. `orders` or `kafka`. */
  pidOf(name: string): Promise<number>
}

const secret = 'only-for-tests-first-admin'

/** Settings that let one machine act for hundreds of people. */
const manyPeople = {
  CAMPUS_USERS_FIRST_ADMIN_SECRET: secret,
  CAMPUS_USERS_REGISTER_PER_HOUR: '1000000',
  CAMPUS_USERS_LOGIN_PER_MINUTE_ADDRESS: '1000000',
  CAMPUS_GATEWAY_ANONYMOUS_PER_MINUTE: '1000000',
  CAMPUS_GATEWAY_SIGNED_IN_PER_MINUTE: '1000000',
}

const servers = new Set(['DATABASE_URL', 'KAFKA_BROKERS', 'REDIS_URL', 'SMTP_URL', 'INBOX_URL'])

/**
 * The environment without the servers that it names, be they those of the test command or somebody's own: a
 * mesh for a proof must not change the passwords of roles there.
 */
export function envWithoutServers(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !servers.has(name)))
}

/**
 * Starts a mesh in a folder of its own, on free ports, and waits until it is ready.
 *
 * @param settings variables for services, e.g. `CAMPUS_ORDERS_PAYMENT_TIMEOUT_SECONDS`
 * @param options.home the folder; whoever names one also deletes it
 */
export async function startMesh(
  t: Cleanup,
  settings: Readonly<Record<string, string>> = {},
  options: { readonly home?: string } = {},
): Promise<Mesh> {
  const home = options.home ?? mkdtempSync(join(tmpdir(), 'campus-e2e-'))
  const launcherEnv = { ...envWithoutServers(), ...manyPeople, ...settings }
  const launcher = spawn(
    process.execPath,
    ['tools/campus.ts', 'up', '--home', home, '--random-ports', '--no-seed'],
    {
      // Its stdin is a lifeline: a test that is killed takes its mesh along.
      env: { ...launcherEnv, CAMPUS_LIFELINE: '1' },
      stdio: ['pipe', 'pipe', 'inherit'],
    },
  )
  t.teardown(async () => {
    await stop(launcher)
    // Kept on request, for whoever wants to read the logs of a run that failed.
    const isOurs = options.home === undefined && process.env['CAMPUS_KEEP'] !== '1'
    if (isOurs) rmSync(home, { recursive: true, force: true })
  })
  await untilReady(launcher)
  const { endpoints } = await readStatus(home)
  const gatewayUrl = endpoints['gateway'] ?? ''
  const client = createClient(gatewayUrl)
  const admin = await becomeFirstAdmin(client, secret, {
    email: 'admin@campus.example',
    name: 'Ada Admin',
  })
  const run = readRunFile(locateHome(home))
  return {
    home,
    client,
    admin,
    inboxUrl: endpoints['inbox'] ?? '',
    env: run?.env ?? {},
    settings: launcherEnv,
    status: () => readStatus(home),
    async pidOf(name) {
      const { processes } = await readStatus(home)
      const pid = processes.find(one => one.name === name)?.pid
      if (typeof pid !== 'number') throw new Error(`${name} does not run.`)
      return pid
    },
  }
}

async function untilReady(launcher: ChildProcess): Promise<void> {
  if (launcher.stdout === null) throw new Error('The launcher has no output.')
  const said: string[] = []
  const lines = createInterface({ input: launcher.stdout })
  const ready = new Promise<void>(resolve => {
    lines.on('line', line => {
      said.push(line)
      if (line.includes('Campus is ready')) resolve()
    })
  })
  const ended = once(launcher, 'exit').then(() => {
    throw new Error(`The mesh did not start:\n${said.join('\n')}`)
  })
  await Promise.race([ready, ended])
  ended.catch(() => undefined)
}

async function stop(launcher: ChildProcess): Promise<void> {
  if (launcher.exitCode !== null || launcher.signalCode !== null) return
  const exited = once(launcher, 'exit')
  launcher.kill('SIGTERM')
  await exited
}
