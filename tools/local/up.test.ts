import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { eventually } from '@campus/platform/testing/eventually'
import { type Test, test } from 'tap'
import { locateHome } from './home.ts'
import { isAlive } from './pid.ts'
import { readRunFile } from './run-file.ts'
import { readStatus, type Status } from './status.ts'

// Postgres and Kafka are those of the test run; Valkey is started, so that a server is among the children.

test('a launcher killed with -9 leaves no server and no service behind', async t => {
  const { launcher, home } = await startLauncher(t)
  const { processes } = await readStatus(home)
  const pids = processes.map(({ pid }) => pid ?? 0)
  t.strictSame(
    processes.map(({ name, state }) => `${name} ${state}`),
    ['launcher ready', 'valkey ready', 'fixture ready'],
  )
  launcher.kill('SIGKILL')
  await eventually(() => assert.deepEqual(pids.filter(isAlive), []))
  t.match(await readStatus(home), { ready: false, processes: [] })
})

test('a service or a server that dies is started again on the same port', async t => {
  const { home } = await startLauncher(t)
  const before = await readStatus(home)
  for (const name of ['fixture', 'valkey']) process.kill(pidOf(before, name), 'SIGKILL')
  await eventually(async () => {
    const after = await readStatus(home)
    assert.ok(after.ready)
    for (const name of ['fixture', 'valkey']) {
      const found = after.processes.find(one => one.name === name)
      assert.notEqual(found?.pid, pidOf(before, name))
      assert.equal(found?.state, 'ready')
      assert.equal(found.restarts, 1)
    }
    assert.deepEqual(after.endpoints, before.endpoints)
    await fetch(after.endpoints['fixture'] ?? '')
  })
})

test('a second start is refused and names the process that runs', async t => {
  const { launcher, home } = await startLauncher(t)
  const second = spawnLauncher(home)
  const [message, [code]] = await Promise.all([text(second.stderr), once(second, 'exit')])
  t.equal(code, 1)
  t.match(message, `already running in ${home} (process ${launcher.pid})`)
  t.ok((await readStatus(home)).ready, 'the first one goes on')
})

test('SIGTERM stops everything in order, and the next start finds the same secrets', async t => {
  const { launcher, home } = await startLauncher(t)
  const secrets = readFileSync(join(home, 'secrets.json'), 'utf8')
  const pids = (await readStatus(home)).processes.map(({ pid }) => pid ?? 0)
  const exited = once(launcher, 'exit')
  launcher.kill('SIGTERM')
  t.strictSame(await exited, [0, null])
  t.notOk(pids.some(isAlive), 'no process is left')
  t.equal(readRunFile(locateHome(home)), undefined)

  await startLauncher(t, home)
  t.equal(readFileSync(join(home, 'secrets.json'), 'utf8'), secrets)
})

test('a start that is interrupted ends at once and leaves nothing behind', async t => {
  const home = mkdtempSync(join(tmpdir(), 'campus-up-'))
  t.teardown(() => rmSync(home, { recursive: true }))
  const launcher = spawnLauncher(home)
  await once(launcher.stdout, 'data')
  const exited = once(launcher, 'exit')
  launcher.kill('SIGINT')
  t.strictSame(await exited, [0, null])
  t.equal(readRunFile(locateHome(home)), undefined)
})

test('only the owner may read secrets and addresses', async t => {
  const { home } = await startLauncher(t)
  for (const file of ['secrets.json', 'run.json']) {
    t.equal(statSync(join(home, file)).mode & 0o777, 0o600, file)
  }
})

test('CAMPUS_<SERVICE>_<NAME> sets a variable of that service alone', async t => {
  const { home } = await startLauncher(t)
  const { endpoints } = await readStatus(home)
  const response = await fetch(endpoints['fixture'] ?? '')
  t.match(await response.json(), { greeting: 'hello' })
})

function pidOf({ processes }: Status, name: string): number {
  return processes.find(one => one.name === name)?.pid ?? 0
}

async function startLauncher(t: Test, home = mkdtempSync(join(tmpdir(), 'campus-up-'))) {
  const launcher = spawnLauncher(home)
  t.teardown(async () => {
    if (launcher.exitCode === null && launcher.signalCode === null) {
      const exited = once(launcher, 'exit')
      launcher.kill('SIGTERM')
      await exited
    }
    rmSync(home, { recursive: true, force: true })
  })
  const output: string[] = []
  launcher.stderr.setEncoding('utf8').on('data', (chunk: string) => output.push(chunk))
  for await (const chunk of launcher.stdout.setEncoding('utf8')) {
    output.push(String(chunk))
    if (output.join('').includes('Campus is ready')) return { launcher, home }
  }
  throw new Error(`The launcher ended:\n${output.join('')}`)
}

function spawnLauncher(home: string) {
  const { REDIS_URL: _, ...env } = process.env
  const main = join(import.meta.dirname, 'fixture/launcher.main.ts')
  return spawn(process.execPath, [main, home], {
    env: { ...env, CAMPUS_FIXTURE_GREETING: 'hello' },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
}
