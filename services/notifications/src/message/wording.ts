import type { CancelReason, Ref, RefundCause } from '@campus/contracts/events/orders'
import type { DeclineCode } from '@campus/contracts/events/payments'
import type { SuspensionCode } from '@campus/contracts/events/users'
import type { OrderId } from '@campus/contracts/ids'
import type { Money } from '@campus/contracts/money'
import type { Static } from 'typebox'
import { formatMoney } from './format-money.ts'
import type { Message, PaymentDeclined } from './message.ts'

/** What a message says. Plain text: whoever puts it into markup escapes it (N5). */
export interface Wording {
  /** Subject of the mail and title in the list. */
  readonly title: string
  /** A line or two in the list. */
  readonly note: string
  /** Paragraphs of the mail; the first one follows "Hello Ada,". */
  readonly paragraphs: readonly string[]
}

/** How people name an order on the phone. The end of the id: its beginning is the time. */
export function shortId(orderId: OrderId | Ref['id']): string {
  return orderId.slice(-8).toUpperCase()
}

/** @param locale BCP 47, for amounts */
export function wordingOf(message: Message, locale: string): Wording {
  switch (message.kind) {
    case 'welcome':
      return {
        title: 'Welcome to Campus',
        note: 'Your e-mail address is confirmed.',
        paragraphs: [
          'your e-mail address is confirmed: welcome to Campus.',
          'Browse the shop, fill your cart and learn something new.',
        ],
      }
    case 'order_confirmed': {
      const order = shortId(message.orderId)
      return {
        title: `Order ${order} confirmed`,
        note: `You paid ${formatMoney(message.totals.total, locale)}.`,
        paragraphs: [`thank you for your order ${order}. It is paid and confirmed.`],
      }
    }
    case 'order_cancelled':
      return aboutOrder(message.orderId, 'cancelled', 'was cancelled', [
        cancelReasons[message.reason],
        givenBack(message.refundedTotal, locale),
      ])
    case 'order_shipped':
      return aboutOrder(message.orderId, 'shipped', 'is on its way', [
        message.quantity === 1
          ? 'One item has left our warehouse.'
          : `${message.quantity} items have left our warehouse.`,
      ])
    case 'order_refunded':
      return aboutOrder(message.orderId, 'refunded', 'was refunded', [
        refundCauses[message.cause],
        givenBack(message.amount, locale),
      ])
    case 'return_approved': {
      const { amount } = message
      return aboutOrder(message.orderId, 'return accepted', 'may be returned', [
        'We take back what you asked for.',
        ...(amount === undefined ? [] : [`It is worth ${formatMoney(amount, locale)}.`]),
      ])
    }
    case 'return_rejected':
      return aboutOrder(message.orderId, 'return refused', 'cannot be returned', [
        'We cannot take back what you asked for. You find the reason with your order.',
      ])
    case 'payment_declined':
      return declined(message)
    case 'payment_action_required':
      return aboutPayment(message.ref, 'Confirm your payment', 'waits for you', [
        'Your bank asks you to confirm it.',
      ])
    case 'password_changed':
      return warning('Your password was changed', 'your password was changed', [
        'Everybody who was logged in is logged out.',
        notYou,
      ])
    case 'refresh_reused':
      return warning('We ended one of your sessions', 'we ended one of your sessions', [
        'Somebody used a copy of it.',
        notYou,
      ])
    case 'roles_changed':
      return warning('Your roles were changed', 'your roles were changed', [
        message.roles.length === 0 ? 'You have none now.' : `Now: ${message.roles.join(', ')}.`,
      ])
    case 'account_suspended':
      return warning('Your account is suspended', 'your account is suspended', [
        suspensionCodes[message.code],
        'Write to us if you think that this is wrong.',
      ])
    case 'account_reinstated':
      return warning('Your account is active again', 'your account is active again', [
        'You can log in as before.',
      ])
  }
}

function aboutOrder(
  orderId: OrderId,
  what: string,
  became: string,
  sentences: readonly string[],
): Wording {
  const order = shortId(orderId)
  return {
    title: `Order ${order} ${what}`,
    note: sentences.join(' '),
    paragraphs: [`your order ${order} ${became}.`, ...sentences],
  }
}

function aboutPayment(
  { type, id }: Ref,
  title: string,
  became: string,
  sentences: readonly string[],
): Wording {
  const what = type === 'order' ? `order ${shortId(id)}` : 'your fine'
  return {
    title: `${title}: ${what}`,
    note: sentences.join(' '),
    paragraphs: [`the payment of ${what} ${became}.`, ...sentences],
  }
}

/** Each refusal has a title of its own, or mail programs would show them as one. */
function declined({ ref, code, attemptsLeftCount }: PaymentDeclined): Wording {
  const about = aboutPayment(ref, 'Payment declined', 'was declined', [
    declineCodes[code],
    attemptsLeft(attemptsLeftCount),
  ])
  const left = attemptsLeftCount === 1 ? '1 attempt left' : `${attemptsLeftCount} attempts left`
  return { ...about, title: `${about.title}, ${left}` }
}

function warning(title: string, opening: string, sentences: readonly string[]): Wording {
  return { title, note: sentences.join(' '), paragraphs: [`${opening}.`, ...sentences] }
}

const notYou = 'If this was not you, choose a new password now.'

function givenBack(amount: Money, locale: string): string {
  if (amount.amount === 0) return 'You were not charged.'
  return `We gave ${formatMoney(amount, locale)} back to you.`
}

function attemptsLeft(count: number): string {
  if (count === 0) return 'You cannot try again.'
  return count === 1 ? 'You can try once more.' : `You can try ${count} more times.`
}

const cancelReasons: Readonly<Record<CancelReason, string>> = {
  out_of_stock: 'Something that you ordered is out of stock.',
  price_no_longer_valid: 'A price is no longer valid.',
  archived: 'Something that you ordered is no longer for sale.',
  cancelled_by_customer: 'You cancelled it.',
  reservation_timeout: 'We could not reserve your goods in time.',
  payment_declined: 'Your payment was declined.',
  payment_timeout: 'It was not paid in time.',
  payment_lapsed: 'The authorisation of your payment has lapsed.',
  reservation_expired: 'The reservation of your goods has expired.',
  commit_timeout: 'We could not set your goods aside in time.',
  capture_failed: 'Your payment could not be collected.',
  capture_timeout: 'Your payment could not be collected in time.',
}

const refundCauses: Readonly<Record<RefundCause, string>> = {
  return: 'We have received what you sent back.',
  staff: 'Our staff decided so.',
  rejected_line: 'A part of it could not be provided.',
  dispute: 'Your bank has decided so.',
}

const declineCodes: Readonly<Record<Static<typeof DeclineCode>, string>> = {
  insufficient_funds: 'Your account does not cover it.',
  card_stolen: 'Your card is blocked.',
  challenge_failed: 'It was not confirmed.',
}

const suspensionCodes: Readonly<Record<Static<typeof SuspensionCode>, string>> = {
  terms_violated: 'Its use did not meet our terms.',
  payment_fraud: 'A payment was not in order.',
  account_taken_over: 'We think that somebody else was using it.',
  own_request: 'You asked for it.',
}
