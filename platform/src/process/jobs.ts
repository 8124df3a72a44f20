import { setTimeout as delay } from 'node:timers/promises'
import { type Clock, systemClock } from '../clock.ts'
import { newTraceparent, withFlow } from './flow.ts'
import type { Logger } from './logger.ts'
import type { Metrics } from './metrics.ts'

/** What a run of a job is given. */
export interface JobContext {
  readonly now: Date
  /** Aborted at the deadline and when the process stops. */
  readonly signal: AbortSignal
}

/** Work that repeats. Every replica runs it, so it claims its rows or holds a lease. */
export interface Job {
  /** In kebab-case; a label of metrics. */
  readonly name: string
  readonly periodMs: number
  /** A run that lasts longer is aborted and counted as failed. */
  readonly deadlineMs: number
  /** Does one bounded batch; answering true means that there is more to do at once. */
  run(context: JobContext): Promise<boolean | void>
}

/** Defines a job; without `deadlineMs` a run has ten periods, between 5 seconds and 5 minutes. */
export function defineJob(job: Omit<Job, 'deadlineMs'> & { readonly deadlineMs?: number }): Job {
  const deadlineMs = job.deadlineMs ?? Math.min(Math.max(job.periodMs * 10, 5_000), 300_000)
  return { ...job, deadlineMs, run: context => job.run(context) }
}

/** Jobs that run. */
export interface Jobs {
  /** Runs a job now, or once more when it is running: for news that its rows may be due. */
  wake(name: string): void
  /** No run starts any more; ends when the running ones have ended, which it asks them to do. */
  stop(): Promise<void>
}

/** A period may be this much longer or shorter, so that replicas do not run in step. */
const jitter = 0.1

/** Starts the jobs; the first run of each comes at once. A failure is logged and counted, no more. */
export function startJobs(
  jobs: readonly Job[],
  options: { readonly logger: Logger; readonly metrics: Metrics; readonly clock?: Clock },
): Jobs {
  const loops = new Map(jobs.map(job => [job.name, startLoop(job, options)]))
  return {
    wake(name) {
      const loop = loops.get(name)
      if (loop === undefined) throw new TypeError(`There is no job ${name}.`)
      loop.wake()
    },
    async stop() {
      await Promise.all([...loops.values()].map(loop => loop.stop()))
    },
  }
}

function startLoop(
  job: Job,
  {
    logger,
    metrics,
    clock = systemClock,
  }: { readonly logger: Logger; readonly metrics: Metrics; readonly clock?: Clock },
) {
  const { name } = job
  const lastSuccess = metrics.gauge(
    'job_last_success_seconds',
    'Unix time of the last run that succeeded.',
    ['job'],
  )
  const runSeconds = metrics.histogram('job_seconds', 'Duration of a run.', ['job', 'result'])
  const stopping = new AbortController()
  let isWoken = false
  let pause = new AbortController()

  /** One run; true when the next one should follow at once. */
  async function runOnce(): Promise<boolean> {
    const deadline = AbortSignal.timeout(job.deadlineMs)
    const signal = AbortSignal.any([stopping.signal, deadline])
    const end = runSeconds.startTimer({ job: name })
    const flow = {
      correlationId: `job-${name}`,
      causationId: `job-${name}`,
      actor: 'timer',
      traceparent: newTraceparent(),
    }
    try {
      const work = withFlow(flow, () => job.run({ now: clock.now(), signal }))
      const hasMore = await Promise.race([work, rejectOn(deadline, job)])
      lastSuccess.set({ job: name }, clock.now().getTime() / 1_000)
      end({ result: 'ok' })
      return hasMore === true
    } catch (error) {
      end({ result: 'failed' })
      if (!stopping.signal.aborted) logger.error({ err: error, job: name }, 'job failed')
      return false
    }
  }

  async function loop(): Promise<void> {
    while (!stopping.signal.aborted) {
      isWoken = false
      // oxlint-disable-next-line no-await-in-loop -- runs of one job never overlap.
      const hasMore = await runOnce()
      if (hasMore || isWoken) continue
      pause = new AbortController()
      const periodMs = job.periodMs * (1 - jitter + Math.random() * 2 * jitter)
      const signal = AbortSignal.any([pause.signal, stopping.signal])
      // Rejects when it is woken or stopped, which ends the pause as well.
      // oxlint-disable-next-line no-await-in-loop
      await delay(periodMs, undefined, { signal }).catch(() => undefined)
    }
  }

  const running = loop()
  return {
    wake() {
      isWoken = true
      pause.abort()
    },
    async stop() {
      stopping.abort()
      await running
    },
  }
}

async function rejectOn(deadline: AbortSignal, { name, deadlineMs }: Job): Promise<never> {
  const { promise, reject } = Promise.withResolvers<never>()
  deadline.addEventListener(
    'abort',
    () => reject(new Error(`Job ${name} took longer than ${deadlineMs} ms.`)),
    { once: true },
  )
  return promise
}
