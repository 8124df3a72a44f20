import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Cleanup } from '@campus/platform/testing/cleanup'
import { t as file, test } from 'tap'
import type { Account } from '../tools/local/accounts.ts'
import { openHome } from '../tools/local/home.ts'
import { openSecrets } from '../tools/local/secrets.ts'
import { readStatus } from '../tools/local/status.ts'
import { type Client, createClient, type Json } from '../tools/prove/client.ts'
import { stories } from '../tools/prove/seed/orders.ts'
import { products } from '../tools/prove/seed/shelf.ts'
import { seed } from '../tools/prove/seed.ts'

file.setTimeout(200_000)

/** The servers of the test run are not those of a mesh. */
const servers = new Set(['DATABASE_URL', 'KAFKA_BROKERS', 'REDIS_URL', 'SMTP_URL', 'INBOX_URL'])

/** Starts a mesh as `npm start` does, and waits until its demo data is there. */
async function startWithDemoData(t: Cleanup, home: string): Promise<void> {
  const clean = Object.entries(process.env).filter(([name]) => !servers.has(name))
  const launcher = spawn(
    process.execPath,
    ['tools/campus.ts', 'up', '--home', home, '--random-ports'],
    {
      // Its stdin is a lifeline: a test that is killed takes its mesh along.
      env: { ...Object.fromEntries(clean), CAMPUS_LIFELINE: '1' },
      stdio: ['pipe', 'pipe', 'inherit'],
    },
  )
  t.teardown(async () => {
    const exited = once(launcher, 'exit')
    launcher.kill('SIGTERM')
    await exited
  })
  for await (const line of createInterface({ input: launcher.stdout })) {
    if (line.includes('no demo data')) throw new Error(line)
    if (line.includes('demo data is complete')) return
  }
  throw new Error('The mesh did not start.')
}

/** What the demo consists of, as its people see it. */
async function demoOf(client: Client, accounts: readonly { email: string; password: string }[]) {
  const shelf = (await client.must(200, 'GET', '/v1/products?limit=100')).body.data
  const states: string[] = []
  for (const { email, password } of accounts) {
    const login = await client.must(200, 'POST', '/v1/auth/login', { body: { email, password } })
    const orders = await client.must(200, 'GET', '/v1/orders?limit=50', {
      token: login.body.accessToken,
    })
    states.push(...orders.body.data.map(({ id, state }: Json) => `${id} ${state}`))
  }
  return { slugs: shelf.map(({ slug }: Json) => slug).toSorted(), states: states.toSorted() }
}

test('npm start fills a new home with people, products and orders, and a second seed adds nothing', async t => {
  t.setTimeout(190_000)
  const path = mkdtempSync(join(tmpdir(), 'campus-seed-'))
  t.teardown(() => rmSync(path, { recursive: true, force: true }))
  await startWithDemoData(t, path)
  const { endpoints, accounts } = await readStatus(path)
  t.same(
    accounts.map(({ role }) => role),
    ['admin', 'instructor', 'student', 'student'],
  )
  const client = createClient(endpoints['gateway'] ?? '')
  const first = await demoOf(client, accounts)
  t.equal(first.states.length, stories.length)
  t.equal(first.slugs.length, products.filter(({ end }) => end === undefined).length)
  for (const state of ['awaiting_payment', 'confirmed', 'completed', 'cancelled']) {
    t.ok(
      first.states.some(one => one.endsWith(state)),
      state,
    )
  }

  let again: Account[] = []
  await seed(
    {
      gatewayUrl: endpoints['gateway'] ?? '',
      inboxUrl: endpoints['inbox'] ?? '',
      firstAdminSecret: openSecrets(openHome(path))('users.FIRST_ADMIN_SECRET'),
    },
    {
      say: () => undefined,
      people(all) {
        again = all
      },
    },
  )
  t.same(again, accounts, 'the same people with the same passwords')
  t.same(await demoOf(client, accounts), first)
})
