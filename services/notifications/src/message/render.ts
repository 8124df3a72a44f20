import type { Money } from '@campus/contracts/money'
import { formatMoney } from './format-money.ts'
import { type Html, html } from './html.ts'
import type { Message, OrderConfirmed } from './message.ts'
import { wordingOf } from './wording.ts'

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

/** The message as it is listed in the product. */
export function noteOf(message: Message, locale: string): Note {
  const { title, note } = wordingOf(message, locale)
  return { title, body: note }
}

/** The message as a mail. Whatever others chose is escaped in its markup: N5. */
export function mailOf(message: Message, reader: Reader): MailText {
  const { title, paragraphs } = wordingOf(message, reader.locale)
  const rows = message.kind === 'order_confirmed' ? billOf(message, reader.locale) : []
  const bill = rows.map(({ name, sum }) => `${name}: ${sum}`).join('\n')
  return {
    subject: title,
    text: textOf(reader, rows.length === 0 ? paragraphs : [...paragraphs, bill]),
    html: htmlOf(reader, [
      ...paragraphs.map(paragraph => html`<p>${paragraph}</p>`),
      ...(rows.length === 0 ? [] : [tableOf(rows)]),
    ]),
  }
}

interface BillRow {
  readonly name: string
  readonly sum: string
}

/** Lines and sums; what costs nothing is left out, but for the total. */
function billOf({ lines, totals }: OrderConfirmed, locale: string): BillRow[] {
  const money = (amount: Money) => formatMoney(amount, locale)
  const { goods, discount, tax, shipping, total } = totals
  const sums = [
    ['Goods', goods],
    ['Discount', discount],
    ['Tax', tax],
    ['Shipping', shipping],
    ['Total', total],
  ] as const
  const shown = sums.filter(([name, { amount }]) => amount !== 0 || name === 'Total')
  return [
    ...lines.map(line => ({ name: `${line.quantity} × ${line.title}`, sum: money(line.total) })),
    ...shown.map(([name, sum]) => ({ name, sum: money(sum) })),
  ]
}

function tableOf(rows: readonly BillRow[]): Html {
  return html`<table>${rows.map(
    ({ name, sum }) => html`<tr><td>${name}</td><td align="right">${sum}</td></tr>`,
  )}</table>`
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
