import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { eventually } from '@campus/platform/testing/eventually'
import { type Test, test } from 'tap'
import { startGuard } from './guard.ts'
import { type ProcessSpec, type ProcessState, SupervisedProcess } from './supervisor.ts'

test('a process that ends is started again after the back-off', async t => {
  const { supervised, states } = supervise(t, { script: 'setInterval(() => {}, 1000)' })
  await supervised.start()
  const { pid = 0 } = supervised.status()
  const killedAt = performance.now()
  process.kill(pid, 'SIGKILL')
  await eventually(() => {
    assert.equal(supervised.status().restarts, 1)
    assert.equal(supervised.status().state, 'ready')
  })
  t.ok(performance.now() - killedAt >= 200, 'not before 0.2 s')
  t.strictSame(states(), ['starting', 'ready', 'restarting', 'starting', 'ready'])
})

test('a process that never becomes ready fails after three starts and shows its log', async t => {
  const { supervised, states } = supervise(t, {
    script: 'console.error("PORT is missing"); process.exitCode = 3',
    probe: () => Promise.reject(new Error('not yet')),
  })
  await t.rejects(supervised.start(), /ended with code 3\.[^]*PORT is missing/)
  t.equal(states().filter(state => state === 'starting').length, 3)
  t.equal(supervised.status().state, 'failed')
})

test('a program that does not exist fails and is named', async t => {
  const { supervised } = supervise(t, { command: '/no/such/program', script: '' })
  await t.rejects(supervised.start(), /ENOENT|no\/such\/program/)
})

test('a process that ignores its signal is killed when the time is over', async t => {
  const { supervised, log } = supervise(t, {
    script: 'process.on("SIGTERM", () => {}); setInterval(() => {}, 1000); console.log("on")',
  })
  await supervised.start()
  await eventually(() => assert.match(readFileSync(log, 'utf8'), /on/))
  const stoppedAt = performance.now()
  await supervised.stop(300)
  t.ok(performance.now() - stoppedAt >= 290, 'it was given its time')
  t.match(supervised.status(), { state: 'stopped' })
  t.equal(supervised.status().pid, undefined)
})

test('a requested restart happens at once and counts as no failure', async t => {
  const { supervised, said } = supervise(t, { script: 'setInterval(() => {}, 1000)' })
  await supervised.start()
  const { pid } = supervised.status()
  supervised.requestRestart()
  await eventually(() => {
    assert.equal(supervised.status().state, 'ready')
    assert.notEqual(supervised.status().pid, pid)
  })
  t.strictSame(said, ['subject is ready again'])
})

test('a process that was ready and hangs is killed and started again', async t => {
  let isHung = false
  const { supervised, said } = supervise(t, {
    script: 'setInterval(() => {}, 1000)',
    pulse: {
      feel: () => (isHung ? Promise.reject(new Error('no answer')) : Promise.resolve()),
      everyMs: 20,
      missesMax: 3,
    },
  })
  await supervised.start()
  const { pid } = supervised.status()
  isHung = true
  await eventually(() => assert.notEqual(supervised.status().pid, pid))
  isHung = false
  await eventually(() => assert.equal(supervised.status().state, 'ready'))
  t.equal(said[0], 'subject hangs; killing it')
})

interface Subject extends Partial<Pick<ProcessSpec, 'probe' | 'pulse'>> {
  readonly script: string
  readonly command?: string
}

function supervise(t: Test, subject: Subject) {
  const folder = mkdtempSync(join(tmpdir(), 'supervisor-'))
  const log = join(folder, 'subject.log')
  const guard = startGuard()
  const changes: ProcessState[] = []
  const said: string[] = []
  const supervised: SupervisedProcess = new SupervisedProcess(
    {
      name: 'subject',
      stopSignal: 'SIGTERM',
      launch: () => ({
        command: subject.command ?? process.execPath,
        args: ['-e', subject.script],
      }),
      probe: subject.probe ?? (() => Promise.resolve()),
      ...(subject.pulse !== undefined && { pulse: subject.pulse }),
    },
    {
      guard,
      logFile: () => log,
      onChange: () => changes.push(supervised.status().state),
      say: line => said.push(line),
    },
  )
  t.teardown(async () => {
    await supervised.stop(1_000)
    guard.dismiss()
    rmSync(folder, { recursive: true })
  })
  const states = () => changes.filter((state, i) => state !== changes[i - 1])
  return { supervised, states, said, log }
}
