import type { Ref } from '@campus/contracts/events/orders'
import type {
  AnyId,
  ChallengeId,
  DisputeId,
  IntentId,
  PaymentMethodId,
  RefundId,
  UserId,
} from '@campus/contracts/ids'
import {
  bigint,
  boolean,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  text,
  timestamp,
  uuid,
} from 'drizzle-orm/pg-core'
import type { Dispute, Intent, IntentState, Refund, Voiding } from './intents/intent.ts'
import type { EntryKind } from './ledger/ledger.ts'
import type { AttemptId } from './psp/provider.ts'
import type { PspPayment, PspState } from './psp/simulation.ts'

const moment = (name: string) => timestamp(name, { withTimezone: true })
/** Minor units of the row's currency. */
const minor = (name: string) => bigint(name, { mode: 'number' })

export const intent = pgTable('intent', {
  id: uuid('id').$type<IntentId>().primaryKey(),
  refType: text('ref_type').$type<Ref['type']>().notNull(),
  refId: uuid('ref_id').$type<AnyId>().notNull(),
  userId: uuid('user_id').$type<UserId>().notNull(),
  amount: minor('amount').notNull(),
  currency: text('currency').notNull(),
  state: text('state').$type<IntentState>().notNull(),
  expiresAt: moment('expires_at').notNull(),
  attemptCount: integer('attempt_count').notNull(),
  attemptsLeft: integer('attempts_left').notNull(),
  attemptId: uuid('attempt_id').$type<AttemptId>(),
  declineCode: text('decline_code').$type<NonNullable<Intent['declineCode']>>(),
  challengeId: uuid('challenge_id').$type<ChallengeId>(),
  authorized: minor('authorized').notNull(),
  captured: minor('captured').notNull(),
  refunded: minor('refunded').notNull(),
  capturedAt: moment('captured_at'),
  captureFailure: text('capture_failure').$type<NonNullable<Intent['captureFailure']>>(),
  returnCause: text('return_cause').$type<NonNullable<Intent['returnCause']>>(),
  returnedAt: moment('returned_at'),
  voiding: jsonb('voiding').$type<Voiding>(),
  confirmedAt: moment('confirmed_at'),
  dispute: jsonb('dispute').$type<Dispute>(),
  correlationId: text('correlation_id').notNull(),
  version: integer('version').notNull(),
  createdAt: moment('created_at').notNull(),
  updatedAt: moment('updated_at').notNull(),
})

export const refund = pgTable('refund', {
  id: uuid('id').$type<RefundId>().primaryKey(),
  intentId: uuid('intent_id').$type<IntentId>().notNull(),
  amount: minor('amount').notNull(),
  kind: text('kind').$type<Refund['kind']>().notNull(),
  state: text('state').$type<Refund['state']>().notNull(),
  code: text('code').$type<NonNullable<Refund['code']>>(),
  attempts: integer('attempts').notNull(),
  nextAt: moment('next_at').notNull(),
  createdAt: moment('created_at').notNull(),
})

export const ledgerTransaction = pgTable('ledger_transaction', {
  id: uuid('id').$type<AnyId>().primaryKey(),
  kind: text('kind').$type<EntryKind>().notNull(),
  source: text('source').notNull(),
  refType: text('ref_type').$type<Ref['type']>().notNull(),
  refId: uuid('ref_id').$type<AnyId>().notNull(),
  bookedAt: moment('booked_at').notNull(),
})

export const posting = pgTable(
  'posting',
  {
    transactionId: uuid('transaction_id').$type<AnyId>().notNull(),
    lineNo: integer('line_no').notNull(),
    account: text('account').notNull(),
    amount: minor('amount').notNull(),
    currency: text('currency').notNull(),
  },
  table => [primaryKey({ columns: [table.transactionId, table.lineNo] })],
)

export const webhook = pgTable('webhook', {
  id: uuid('id').$type<AnyId>().primaryKey(),
  receivedAt: moment('received_at').notNull(),
})

export const pspPayment = pgTable('psp_payment', {
  attemptId: uuid('attempt_id').$type<AttemptId>().primaryKey(),
  intentId: uuid('intent_id').$type<IntentId>().notNull(),
  token: text('token').notNull(),
  amount: minor('amount').notNull(),
  currency: text('currency').notNull(),
  state: text('state').$type<PspState>().notNull(),
  declineCode: text('decline_code').$type<NonNullable<Intent['declineCode']>>(),
  challengeId: uuid('challenge_id').$type<ChallengeId>(),
  settleAt: moment('settle_at'),
  captureId: uuid('capture_id').$type<AnyId>(),
  captured: minor('captured'),
  capturedAt: moment('captured_at'),
  isCaptureRefused: boolean('is_capture_refused').notNull(),
  refunds: jsonb('refunds').$type<PspPayment['refunds'][number][]>().notNull(),
  disputeId: uuid('dispute_id').$type<DisputeId>(),
  disputeState: text('dispute_state').$type<NonNullable<PspPayment['disputeState']>>(),
  disputeAt: moment('dispute_at'),
  refundAttempts: integer('refund_attempts').notNull(),
  createdAt: moment('created_at').notNull(),
})

export const pspDelivery = pgTable('psp_delivery', {
  id: uuid('id').$type<AnyId>().primaryKey(),
  body: text('body').notNull(),
  dueAt: moment('due_at').notNull(),
  attempts: integer('attempts').notNull(),
})

export const paymentMethod = pgTable('payment_method', {
  id: uuid('id').$type<PaymentMethodId>().primaryKey(),
  userId: uuid('user_id').$type<UserId>().notNull(),
  token: text('token').notNull(),
  brand: text('brand').notNull(),
  last4: text('last4').notNull(),
  createdAt: moment('created_at').notNull(),
  removedAt: moment('removed_at'),
})
