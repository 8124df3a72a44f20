import { orderCancelled, orderConfirmed, orderRefunded } from '@campus/contracts/events/orders'
import { paymentDeclined } from '@campus/contracts/events/payments'
import { asId, type OrderId } from '@campus/contracts/ids'
import { test } from 'tap'
import { formatMoney } from './format-money.ts'
import { html } from './html.ts'
import { categoryOf, type Message, subjectOf, untilOf } from './message.ts'
import { mailOf, noteOf } from './render.ts'
import { shortId } from './wording.ts'

const { orderId, lines, totals } = orderConfirmed.example
const confirmed: Message = {
  kind: 'order_confirmed',
  orderId,
  lines: lines.map(({ title = '', quantity, total }) => ({ title, quantity, total })),
  totals,
}
const cancelled: Message = { kind: 'order_cancelled', ...orderCancelled.example }
const welcome: Message = { kind: 'welcome' }
const { ref } = paymentDeclined.example
const others: readonly Message[] = [
  { kind: 'order_shipped', orderId, quantity: 1 },
  { kind: 'order_shipped', orderId, quantity: 3 },
  { kind: 'order_refunded', ...orderRefunded.example },
  { kind: 'return_approved', orderId, amount: { amount: 1_290, currency: 'EUR' } },
  { kind: 'return_rejected', orderId },
  { kind: 'payment_declined', ...paymentDeclined.example, attemptsLeftCount: 2 },
  { kind: 'payment_declined', ...paymentDeclined.example, attemptsLeftCount: 1 },
  { kind: 'payment_declined', ...paymentDeclined.example, attemptsLeftCount: 0 },
  { kind: 'payment_action_required', ref },
  { kind: 'payment_action_required', ref: { ...ref, type: 'fine' } },
  { kind: 'password_changed' },
  { kind: 'refresh_reused' },
  { kind: 'roles_changed', roles: ['instructor', 'student'] },
  { kind: 'roles_changed', roles: [] },
  { kind: 'account_suspended', code: 'terms_violated' },
  { kind: 'account_reinstated' },
]
const reader = { name: 'Ada', locale: 'en' }

const amounts: readonly [string, number, string, string, string][] = [
  ['cents of euros in English', 2_580, 'EUR', 'en', '€25.80'],
  ['the same in German', 2_580, 'EUR', 'de', '25,80\u00a0€'],
  ['thousands are grouped', 123_456_789, 'EUR', 'en', '€1,234,567.89'],
  ['a currency without minor units', 2_580, 'JPY', 'en', '¥2,580'],
  ['a currency with three digits', 2_580, 'BHD', 'en', 'BHD\u00a02.580'],
  ['less than nothing', -5, 'EUR', 'en', '-€0.05'],
  ['a language that nobody knows reads like English', 100, 'EUR', 'qqq', '€1.00'],
  ['a tag that is no language at all does, too', 100, 'EUR', 'en-a', '€1.00'],
]
for (const [name, amount, currency, locale, expected] of amounts) {
  test(name, async t => t.equal(formatMoney({ amount, currency }, locale), expected))
}

test('markup is escaped unless it was made as markup', async t => {
  const evil = `<a href="x" onclick='y'>&`
  t.equal(
    html`<p>${evil}</p>`.markup,
    '<p>&lt;a href=&quot;x&quot; onclick=&#39;y&#39;&gt;&amp;</p>',
  )
  t.equal(html`<p>${[html`<b>${1}</b>`, html`<i>2</i>`]}</p>`.markup, '<p><b>1</b><i>2</i></p>')
})

test('every message has a subject, a text and markup for its reader', async t => {
  const subjects = [welcome, confirmed, cancelled].map(message => {
    const mail = mailOf(message, reader)
    t.match(mail.text, /^Hello Ada,\n/)
    t.match(mail.html, /^<!doctype html>/)
    t.equal(noteOf(message, 'en').title, mail.subject, 'the list says the same')
    return mail.subject
  })
  const short = shortId(orderId)
  t.same(subjects, ['Welcome to Campus', `Order ${short} confirmed`, `Order ${short} cancelled`])
})

test('every other message says its own facts', async t => {
  const short = shortId(orderId)
  t.same(
    others.map(message => Object.values(noteOf(message, 'en')).join(' | ')),
    [
      `Order ${short} shipped | One item has left our warehouse.`,
      `Order ${short} shipped | 3 items have left our warehouse.`,
      `Order ${short} refunded | Our staff decided so. We gave €12.90 back to you.`,
      `Order ${short} return accepted | We take back what you asked for. It is worth €12.90.`,
      `Order ${short} return refused | We cannot take back what you asked for. You find the reason with your order.`,
      `Payment declined: order ${short}, 2 attempts left | Your account does not cover it. You can try 2 more times.`,
      `Payment declined: order ${short}, 1 attempt left | Your account does not cover it. You can try once more.`,
      `Payment declined: order ${short}, 0 attempts left | Your account does not cover it. You cannot try again.`,
      `Confirm your payment: order ${short} | Your bank asks you to confirm it.`,
      'Confirm your payment: your fine | Your bank asks you to confirm it.',
      'Your password was changed | Everybody who was logged in is logged out. If this was not you, choose a new password now.',
      'We ended one of your sessions | Somebody used a copy of it. If this was not you, choose a new password now.',
      'Your roles were changed | Now: instructor, student.',
      'Your roles were changed | You have none now.',
      'Your account is suspended | Its use did not meet our terms. Write to us if you think that this is wrong.',
      'Your account is active again | You can log in as before.',
    ],
  )
  for (const message of others) {
    const { subject, text, html: markup } = mailOf(message, reader)
    t.equal(subject, noteOf(message, 'en').title)
    t.match(text, /^Hello Ada,\n\n[^]+\.\n\nCampus\n$/)
    t.match(markup, /<p>Hello Ada,<\/p>/)
  }
})

test('a confirmation lists lines and sums in the language of its reader', async t => {
  const { text } = mailOf(confirmed, { name: 'Ada', locale: 'de' })
  t.match(text, '2 × Campus mug, blue: 25,80\u00a0€')
  t.match(text, 'Total: 25,80\u00a0€')
  t.notMatch(text, /Shipping|Discount/, 'what costs nothing is left out')
})

test('a cancellation says why and what was given back', async t => {
  t.match(mailOf(cancelled, reader).text, /It was not paid in time\.[^]*You were not charged\./)
  const refunded: Message = { ...cancelled, refundedTotal: { amount: 2_580, currency: 'EUR' } }
  t.match(mailOf(refunded, reader).text, 'We gave €25.80 back to you.')
})

test('two orders of one moment have different short names', async t => {
  const next = asId<OrderId>(orderId.replace(/.$/, last => (last === '0' ? '1' : '0')))
  t.not(shortId(orderId), shortId(next))
})

test('a message knows its category, what it is about and how long it is news', async t => {
  t.equal(categoryOf(welcome), 'account')
  t.equal(subjectOf(welcome), null)
  t.equal(categoryOf(confirmed), 'orders')
  t.same(subjectOf(cancelled), { type: 'order', id: orderId })
  t.same(
    others.map(message => [categoryOf(message), subjectOf(message)?.id ?? null].join(' ').trim()),
    [...Array(9).fill(`orders ${orderId}`), 'orders', ...Array(6).fill('security')],
  )
  const time = new Date('2026-01-01T00:00:00.000Z')
  t.same(untilOf('orders', time), new Date('2026-01-04T00:00:00.000Z'))
  t.same(untilOf('teams', time), new Date('2026-01-01T06:00:00.000Z'))
})
