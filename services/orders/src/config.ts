import { holdSeconds, paymentSeconds } from '@campus/contracts/timing'
import { ServiceConfig, StreamConfig } from '@campus/platform/process/config'
import { type Static, Type } from 'typebox'

/** Settings of the orders service. */
export const Config = Type.Object({
  ...ServiceConfig.properties,
  RESERVE_TIMEOUT_SECONDS: Type.Integer({
    minimum: 1,
    maximum: 3_600,
    default: 300,
    description: 'An order whose stock nobody answers for is given up after this time',
  }),
  PAYMENT_TIMEOUT_SECONDS: Type.Integer({
    minimum: 1,
    maximum: 86_400,
    default: paymentSeconds,
    description: 'An order that is not paid by then is cancelled',
  }),
  HOLD_SECONDS: Type.Integer({
    minimum: 1,
    maximum: 172_800,
    default: holdSeconds,
    description: 'How long catalog holds the stock; keep it 300 s above PAYMENT_TIMEOUT_SECONDS',
  }),
  STEP_TIMEOUT_SECONDS: Type.Integer({
    minimum: 1,
    maximum: 86_400,
    default: 600,
    description: 'Commit, capture and cancellation are asked for again after this time',
  }),
  CAPTURE_GIVE_UP_SECONDS: Type.Integer({
    minimum: 1,
    maximum: 86_400,
    default: 3_600,
    description: 'A capture that nobody answers is given up and voided after this time',
  }),
  COURSE_TIMEOUT_SECONDS: Type.Integer({
    minimum: 1,
    maximum: 86_400,
    default: 900,
    description: 'A paid course without an enrolment is shown as stuck after this time',
  }),
  COURSE_GIVE_UP_SECONDS: Type.Integer({
    minimum: 1,
    maximum: 604_800,
    default: 86_400,
    description: 'A paid course without an enrolment is refunded after this time',
  }),
  DELIVERY_TIMEOUT_SECONDS: Type.Integer({
    minimum: 1,
    maximum: 7_776_000,
    default: 1_209_600,
    description: 'Goods that are not delivered are shown as stuck each time it is over',
  }),
  REFUND_TIMEOUT_SECONDS: Type.Integer({
    minimum: 1,
    maximum: 604_800,
    default: 86_400,
    description: 'A refund that nobody answers is asked for again after this time',
  }),
  RETURN_WINDOW_DAYS: Type.Integer({
    minimum: 1,
    maximum: 365,
    default: 14,
    description: 'Buyers may give a line back for so many days after its last unit has arrived',
  }),
  ...StreamConfig.properties,
  TIMER_PERIOD_MS: Type.Integer({
    minimum: 50,
    maximum: 60_000,
    default: 5_000,
    description: 'How often due saga timers are looked for',
  }),
})
export type Config = Static<typeof Config>
