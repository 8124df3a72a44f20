import { createLogger, type Logger } from './logger.ts'

/** Starts or stops one part of a process. */
export type Phase = () => void | Promise<void>

/** The ordered start and stop of the parts of a process. */
export interface Lifecycle {
  /** Adds a part to start; parts start one after the other, in the order they were added. */
  onStart(name: string, phase: Phase): void
  /** Adds a part to stop; parts stop in the order they were added, also when one of them fails. */
  onStop(name: string, phase: Phase): void
  /** Starts every part; when one fails the started ones are stopped and its error is thrown. */
  start(): Promise<void>
  /**
   * Stops every part once; later calls get the same promise.
   *
   * @throws Error when a part failed to stop, or when the whole stop lasted longer than `timeoutMs`
   */
  stop(): Promise<void>
}

/** A service that can be started and stopped, e.g. a lifecycle or what `buildService` returns. */
export interface Service {
  start(): Promise<void>
  stop(): Promise<void>
}

/**
 * Runs the phases of a process in order.
 *
 * The stop is bounded as a whole: a part that hangs must not eat more time than a supervisor gives
 * before it kills the process.
 */
export function createLifecycle(options: {
  readonly logger: Logger
  readonly timeoutMs: number
}): Lifecycle {
  const { logger, timeoutMs } = options
  const starts: { readonly name: string; readonly phase: Phase }[] = []
  const stops: { readonly name: string; readonly phase: Phase }[] = []
  let stopping: Promise<void> | undefined

  async function startAll(): Promise<void> {
    for (const { name, phase } of starts) {
      // A stop may arrive while the start runs: nothing may be started behind its back.
      if (stopping !== undefined) return
      try {
        // oxlint-disable-next-line no-await-in-loop -- the order is the point.
        await phase()
      } catch (error) {
        logger.error({ err: error, phase: name }, 'failed to start')
        throw error
      }
    }
  }

  async function stopAll(): Promise<void> {
    const failures: unknown[] = []
    for (const { name, phase } of stops) {
      try {
        // oxlint-disable-next-line no-await-in-loop -- the order is the point.
        await phase()
        logger.debug({ phase: name }, 'stopped')
      } catch (error) {
        failures.push(error)
        logger.error({ err: error, phase: name }, 'failed to stop')
      }
    }
    if (failures.length > 0) throw new AggregateError(failures, 'The stop was not clean.')
  }

  async function stopInTime(): Promise<void> {
    const late = Promise.withResolvers<never>()
    const timer = setTimeout(() => {
      late.reject(new Error(`The stop took longer than ${timeoutMs} ms.`))
    }, timeoutMs)
    try {
      await Promise.race([stopAll(), late.promise])
    } finally {
      clearTimeout(timer)
    }
  }

  async function stop(): Promise<void> {
    stopping ??= stopInTime()
    return stopping
  }

  return {
    onStart(name, phase) {
      starts.push({ name, phase })
    },
    onStop(name, phase) {
      stops.push({ name, phase })
    },
    async start() {
      const startedAt = performance.now()
      try {
        await startAll()
      } catch (error) {
        // The failure of the start is the news; that of the stop has been logged.
        await stop().catch(() => undefined)
        throw error
      }
      logger.info({ seconds: (performance.now() - startedAt) / 1_000 }, 'started')
    },
    stop,
  }
}

/**
 * Ends the process well: SIGTERM or SIGINT stops `service` and exits 0, an unclean or late stop and
 * a second signal exit 1.
 *
 * An error that nobody caught leaves unknown state behind, so the process logs it and exits 1 at
 * once (crash-only): outbox and inbox make that safe, and a supervisor starts it again.
 */
export function closeOnSignal(
  service: Service,
  logger: Logger = createLogger({ service: 'process', level: 'info' }),
): void {
  let isStopping = false
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      if (isStopping) {
        logger.warn({ signal }, 'second signal: exiting at once')
        process.exit(1)
      }
      isStopping = true
      logger.info({ signal }, 'stopping')
      void stopAndExit(service, logger)
    })
  }
  for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
    process.on(event, (error: unknown) => {
      logger.fatal({ err: error, event }, 'nobody caught this: exiting')
      process.exit(1)
    })
  }
}

async function stopAndExit(service: Service, logger: Logger): Promise<void> {
  try {
    await service.stop()
  } catch (error) {
    logger.fatal({ err: error }, 'the stop was not clean')
    process.exit(1)
  }
  logger.info('stopped')
  process.exit(0)
}
