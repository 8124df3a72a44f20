import { Secret, ServiceConfig } from '@campus/platform/process/config'
import { type Static, Type } from 'typebox'

const delayMs = (options: { readonly default: number; readonly description: string }) =>
  Type.Integer({ minimum: 0, maximum: 3_600_000, ...options })

/** Settings of the payments service. `PSP_…_MS` belong to the simulated provider but one. */
export const Config = Type.Object({
  ...ServiceConfig.properties,
  WEBHOOK_SECRET: Secret({ description: 'Signs what the payment provider tells us' }),
  PSP_TIMEOUT_MS: Type.Integer({
    minimum: 10,
    // An attempt of an effect must end before its deadline of 15 s.
    maximum: 10_000,
    default: 5_000,
    description: 'A call to the provider that takes longer has an unknown outcome',
  }),
  PSP_WEBHOOK_URL: Type.String({
    default: '',
    pattern: '^(https?://.+)?$',
    description: 'Where the simulated provider sends its webhooks; empty: to this process',
  }),
  PSP_PERIOD_MS: Type.Integer({
    minimum: 20,
    maximum: 60_000,
    default: 200,
    description: 'How often the simulated provider looks for what is due',
  }),
  PSP_LATE_SUCCESS_MS: delayMs({
    default: 30_000,
    description: 'tok_timeout_then_success is authorised so long after its call',
  }),
  PSP_LATE_WEBHOOK_MS: delayMs({
    default: 1_200_000,
    description: 'tok_late_webhook is authorised so long after its call',
  }),
  PSP_REPEAT_MS: delayMs({
    default: 200,
    description: 'tok_double_webhook: each webhook comes a second time after this time',
  }),
  PSP_LATE_REPEAT_MS: delayMs({
    default: 60_000,
    description: 'tok_double_webhook: each webhook comes a third time after this time',
  }),
  PSP_REORDER_MS: delayMs({
    default: 5_000,
    description: 'tok_reordered: the webhook of the authorisation comes so late',
  }),
  PSP_DISPUTE_MS: delayMs({
    default: 60_000,
    description: 'tok_chargeback is disputed so long after its capture',
  }),
  PSP_DISPUTE_LOST_MS: delayMs({
    default: 120_000,
    description: 'tok_chargeback: the dispute is lost so long after the capture',
  }),
  REFUND_PERIOD_MS: Type.Integer({
    minimum: 20,
    maximum: 3_600_000,
    default: 30_000,
    description: 'How often refunds are looked for that must be tried again',
  }),
  REFUND_BACK_OFF_MS: Type.Integer({
    minimum: 1,
    maximum: 3_600_000,
    default: 30_000,
    description: 'Wait after the first attempt at a refund; doubled each time, up to an hour',
  }),
  ORPHAN_PERIOD_MS: Type.Integer({
    minimum: 20,
    maximum: 3_600_000,
    default: 600_000,
    description: 'How often captured money without a confirmed order is looked for',
  }),
  ORPHAN_ALERT_SECONDS: Type.Integer({
    minimum: 0,
    maximum: 604_800,
    default: 7_200,
    description: 'Captured money whose order is not confirmed is shown after this time',
  }),
  ORPHAN_REFUND_SECONDS: Type.Integer({
    minimum: 0,
    maximum: 2_592_000,
    default: 86_400,
    description: 'Captured money whose order is not confirmed is given back after this time',
  }),
})
export type Config = Static<typeof Config>
