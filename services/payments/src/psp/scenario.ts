import type { DeclineCode } from '@campus/contracts/events/payments'
import type { Static } from 'typebox'
import type { Card } from './provider.ts'

/** What the simulated provider does with a card. */
export interface Scenario {
  readonly authorization:
    | { readonly kind: 'authorized' }
    | {
        readonly kind: 'declined'
        readonly code: Static<typeof DeclineCode>
        readonly isFinal: boolean
      }
    /** The buyer must pass a challenge first. */
    | { readonly kind: 'challenge' }
    /** The call gets no answer; success comes after a delay. */
    | { readonly kind: 'silent'; readonly until: 'lateSuccess' | 'lateWebhook' }
  /** Every webhook comes three times. */
  readonly repeatsWebhooks: boolean
  /** The webhook of the authorisation comes after that of the capture. */
  readonly reordersWebhooks: boolean
  readonly refusesCapture: boolean
  /** So many refunds get no answer before one succeeds. */
  readonly refundFailureCount: number
  /** The buyer's bank disputes the payment and wins. */
  readonly isChargedBack: boolean
}

const plain: Scenario = {
  authorization: { kind: 'authorized' },
  repeatsWebhooks: false,
  reordersWebhooks: false,
  refusesCapture: false,
  refundFailureCount: 0,
  isChargedBack: false,
}

const scenarios = {
  tok_ok: plain,
  tok_declined: {
    ...plain,
    authorization: { kind: 'declined', code: 'insufficient_funds', isFinal: false },
  },
  tok_declined_final: {
    ...plain,
    authorization: { kind: 'declined', code: 'card_stolen', isFinal: true },
  },
  tok_3ds: { ...plain, authorization: { kind: 'challenge' } },
  tok_timeout_then_success: {
    ...plain,
    authorization: { kind: 'silent', until: 'lateSuccess' },
  },
  tok_late_webhook: { ...plain, authorization: { kind: 'silent', until: 'lateWebhook' } },
  tok_double_webhook: { ...plain, repeatsWebhooks: true },
  tok_reordered: { ...plain, reordersWebhooks: true },
  tok_capture_fails: { ...plain, refusesCapture: true },
  tok_refund_fails: { ...plain, refundFailureCount: 2 },
  tok_chargeback: { ...plain, isChargedBack: true },
} as const satisfies Record<string, Scenario>

/** Whether the provider has a scenario for `token`. */
export function isKnownToken(token: string): boolean {
  return Object.hasOwn(scenarios, token)
}

/** What a card is recognised by. */
export function cardOf(token: string): Card | undefined {
  const position = Object.keys(scenarios).indexOf(token)
  return position < 0 ? undefined : { brand: 'visa', last4: String(4_242 + position) }
}

/** @throws RangeError for a token that is not known */
export function scenarioOf(token: string): Scenario {
  const found = new Map<string, Scenario>(Object.entries(scenarios)).get(token)
  if (found === undefined) throw new RangeError('There is no such token.')
  return found
}
