import type { FastifyInstance } from 'fastify'
import type { Metrics } from '../process/metrics.ts'

export interface RateLimitSettings {
  readonly policies: Readonly<Record<string, unknown>>
}

export function rateLimit(
  _app: FastifyInstance,
  _settings: RateLimitSettings & { readonly metrics: Metrics },
): void {}
