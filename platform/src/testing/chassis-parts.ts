import { createLogger } from '../process/logger.ts'
import { createMetrics } from '../process/metrics.ts'

/** Logger, metrics and crash handler for tests of parts of the chassis. */
export function quietParts() {
  return {
    logger: createLogger({ service: 'test', level: process.env['LOG_LEVEL'] ?? 'silent' }),
    metrics: createMetrics({ service: 'test' }),
  }
}
