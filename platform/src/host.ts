import type { Static } from 'typebox'
import { type Clock, systemClock } from './clock.ts'
import type { ServiceConfig } from './process/config.ts'
import { createHealth, type Health, startAdminServer } from './process/health.ts'
import { createLifecycle, type Lifecycle } from './process/lifecycle.ts'
import { createLogger, type Logger } from './process/logger.ts'
import { createMetrics, type Metrics } from './process/metrics.ts'
import { startTracing } from './process/tracing.ts'

/** The settings that a process needs whatever it does. */
export type HostConfig = Pick<
  Static<typeof ServiceConfig>,
  | 'HOST'
  | 'PORT'
  | 'ADMIN_PORT'
  | 'LOG_LEVEL'
  | 'OTEL_EXPORTER_OTLP_ENDPOINT'
  | 'SHUTDOWN_TIMEOUT_SECONDS'
>

/** What every process has: log, metrics, health, traces, and an order of start and stop. */
export interface Host {
  readonly service: string
  readonly clock: Clock
  readonly logger: Logger
  readonly metrics: Metrics
  readonly health: Health
  readonly lifecycle: Lifecycle
  /** Starts the phases in order; the admin port answers from the first moment on. */
  start(): Promise<void>
  stop(): Promise<void>
  /** The process cannot go on: it logs why and ends, and a supervisor starts a clean one. */
  crash(error: Error): void
}

/** Makes the host of a process; nothing listens before `start`. */
export function createHost(service: string, config: HostConfig): Host {
  const logger = createLogger({ service, level: config.LOG_LEVEL })
  const metrics = createMetrics({ service })
  const health = createHealth()
  const lifecycle = createLifecycle({
    logger,
    timeoutMs: config.SHUTDOWN_TIMEOUT_SECONDS * 1_000,
  })
  const opened: { stop(): Promise<void> }[] = []
  let isStarted = false
  health.register('start', () => isStarted || 'starting')

  return {
    service,
    clock: systemClock,
    logger,
    metrics,
    health,
    lifecycle,
    async start() {
      opened.push(
        await startAdminServer({ host: config.HOST, port: config.ADMIN_PORT, metrics, health }),
        await startTracing({ service, endpoint: config.OTEL_EXPORTER_OTLP_ENDPOINT }),
      )
      await lifecycle.start()
      isStarted = true
    },
    async stop() {
      health.drain()
      try {
        await lifecycle.stop()
      } finally {
        await Promise.all(opened.map(part => part.stop()))
      }
    },
    crash(error) {
      logger.fatal({ err: error }, 'the process cannot go on')
      process.exit(1)
    },
  }
}
