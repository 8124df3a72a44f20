import type { CancelReason } from '@campus/contracts/events/orders'
import type { OrderId } from '@campus/contracts/ids'
import { formatMoney } from './format-money.ts'
import { type Html, html } from './html.ts'
import type { Message, OrderCancelled, OrderConfirmed } from './message.ts'

/** A message as a line or two inside the product. */
export interface Note {
  readonly title: string
  readonly body: string
}

/** A message as a mail. */
export interface MailText {
  readonly subject: string
  readonly text: string
  readonly html: string
}

/** Who reads it. */
export interface Reader {
  readonly name: string
  /** BCP 47, for amounts. */
  readonly locale: string
}

/** How people name an order on the phone. The end of the id: its beginning is the time. */
export function shortId(orderId: OrderId): string {
  return orderId.slice(-8).toUpperCase()
}

/** The message as it is listed in the product. */
export function noteOf(message: Message, locale: string): Note {
  const title = titleOf(message)
  switch (message.kind) {
    case 'welcome':
      return { title, body: 'Your e-mail address is confirmed.' }
    case 'order_confirmed':
      return { title, body: `You paid ${formatMoney(message.totals.total, locale)}.` }
    case 'order_cancelled':
      return { title, body: [reasons[message.reason], ...refundOf(message, locale)].join(' ') }
  }
}

/** The message as a mail. */
export function mailOf(message: Message, reader: Reader): MailText {
  switch (message.kind) {
    case 'welcome':
      return letter(titleOf(message), reader, [
        'your e-mail address is confirmed: welcome to Campus.',
        'Browse the shop, fill your cart and learn something new.',
      ])
    case 'order_confirmed':
      return confirmation(message, reader)
    case 'order_cancelled':
      return letter(titleOf(message), reader, [
        `your order ${shortId(message.orderId)} was cancelled.`,
        `Reason: ${reasons[message.reason]}`,
        ...refundOf(message, reader.locale),
      ])
  }
}

function titleOf(message: Message): string {
  switch (message.kind) {
    case 'welcome':
      return 'Welcome to Campus'
    case 'order_confirmed':
      return `Order ${shortId(message.orderId)} confirmed`
    case 'order_cancelled':
      return `Order ${shortId(message.orderId)} cancelled`
  }
}

function confirmation(message: OrderConfirmed, reader: Reader): MailText {
  const money = (amount: OrderConfirmed['totals']['total']) => formatMoney(amount, reader.locale)
  const { goods, discount, tax, shipping, total } = message.totals
  const sums = [
    ['Goods', goods],
    ['Discount', discount],
    ['Tax', tax],
    ['Shipping', shipping],
    ['Total', total],
  ] as const
  const shown = sums.filter(([name, { amount }]) => amount !== 0 || name === 'Total')
  const lines = message.lines.map(({ title, quantity, total: sum }) => {
    return { name: `${quantity} × ${title}`, sum: money(sum) }
  })
  const rows = [...lines, ...shown.map(([name, sum]) => ({ name, sum: money(sum) }))]
  const intro = `thank you for your order ${shortId(message.orderId)}. It is paid and confirmed.`
  return {
    subject: titleOf(message),
    text: textOf(reader, [intro, rows.map(({ name, sum }) => `${name}: ${sum}`).join('\n')]),
    html: htmlOf(reader, [
      html`<p>${intro}</p>`,
      html`<table>${rows.map(
        ({ name, sum }) => html`<tr><td>${name}</td><td align="right">${sum}</td></tr>`,
      )}</table>`,
    ]),
  }
}

function letter(subject: string, reader: Reader, paragraphs: readonly string[]): MailText {
  return {
    subject,
    text: textOf(reader, paragraphs),
    html: htmlOf(
      reader,
      paragraphs.map(paragraph => html`<p>${paragraph}</p>`),
    ),
  }
}

function textOf({ name }: Reader, paragraphs: readonly string[]): string {
  return `${[`Hello ${name},`, ...paragraphs, 'Campus'].join('\n\n')}\n`
}

function htmlOf({ name }: Reader, parts: readonly Html[]): string {
  const page = html`<!doctype html>
<html lang="en"><body><p>Hello ${name},</p>
${parts}
<p>Campus</p></body></html>
`
  return page.markup
}

function refundOf({ refundedTotal }: OrderCancelled, locale: string): string[] {
  return refundedTotal.amount === 0
    ? ['You were not charged.']
    : [`We gave ${formatMoney(refundedTotal, locale)} back to you.`]
}

const reasons: Readonly<Record<CancelReason, string>> = {
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
