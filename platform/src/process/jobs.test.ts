import { equal, ok } from 'node:assert/strict'
import { test } from 'tap'
import { quietParts } from '../testing/chassis-parts.ts'
import { eventually } from '../testing/eventually.ts'
import { currentFlow } from './flow.ts'
import { defineJob, startJobs } from './jobs.ts'

test('a job runs at once and then once per period, in a flow of the timer', async t => {
  const { logger, metrics } = quietParts()
  const actors: unknown[] = []
  const job = defineJob({
    name: 'tick',
    periodMs: 20,
    async run() {
      actors.push(currentFlow()?.actor)
    },
  })
  const jobs = startJobs([job], { logger, metrics })
  await eventually(() => ok(actors.length >= 3))
  await jobs.stop()
  const count = actors.length
  t.ok(actors.every(actor => actor === 'timer'))
  t.match(await metrics.render(), /job_last_success_seconds\{job="tick",service="test"\} \d+/)
  t.equal(actors.length, count)
})

test('a job that has more to do runs again at once; wake ends a pause; runs never overlap', async t => {
  const { logger, metrics } = quietParts()
  let runs = 0
  let running = 0
  let most = 0
  const job = defineJob({
    name: 'batch',
    periodMs: 60_000,
    async run() {
      running += 1
      most = Math.max(most, running)
      await new Promise(setImmediate)
      running -= 1
      runs += 1
      return runs < 3
    },
  })
  const jobs = startJobs([job], { logger, metrics })
  t.teardown(() => jobs.stop())
  await eventually(() => equal(runs, 3))
  await eventually(() => {
    jobs.wake('batch')
    ok(runs > 3)
  })
  t.equal(most, 1)
  t.throws(() => jobs.wake('other'), TypeError)
})

test('a run that fails or lasts too long is counted, and the next one comes', async t => {
  const { logger, metrics } = quietParts()
  let runs = 0
  const job = defineJob({
    name: 'flaky',
    periodMs: 5,
    deadlineMs: 20,
    async run() {
      runs += 1
      if (runs === 1) throw new Error('broken')
      if (runs === 2) await new Promise(() => undefined)
    },
  })
  const jobs = startJobs([job], { logger, metrics })
  await eventually(() => ok(runs >= 4))
  await jobs.stop()
  t.match(await metrics.render(), 'job_seconds_count{service="test",job="flaky",result="failed"} 2')
})

test('stop tells the running run to end and waits for it', async t => {
  const { logger, metrics } = quietParts()
  let hasEnded = false
  const started = Promise.withResolvers<void>()
  const job = defineJob({
    name: 'long',
    periodMs: 1_000,
    async run({ signal }) {
      started.resolve()
      await new Promise(resolve => signal.addEventListener('abort', resolve))
      hasEnded = true
    },
  })
  const jobs = startJobs([job], { logger, metrics })
  await started.promise
  await jobs.stop()
  t.ok(hasEnded)
})
