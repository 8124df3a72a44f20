import { ServiceConfig } from '@campus/platform/process/config'
import { type Static, Type } from 'typebox'

/** Settings of the catalog service. */
export const Config = Type.Object({
  ...ServiceConfig.properties,
  RESERVATION_SWEEP_MS: Type.Integer({
    minimum: 50,
    maximum: 60_000,
    default: 15_000,
    description: 'How often expired reservations are looked for',
  }),
  RANK_PERIOD_MS: Type.Integer({
    minimum: 50,
    maximum: 3_600_000,
    default: 15_000,
    description: 'How often sales are counted for the order of popular products',
  }),
  PRICE_GRACE_SECONDS: Type.Integer({
    minimum: 0,
    maximum: 86_400,
    default: 900,
    description: 'A price that ended is still honoured for so long',
  }),
})
export type Config = Static<typeof Config>
