import assert from 'node:assert/strict'
import { eventually } from '@campus/platform/testing/eventually'
import { type SmtpReplies, scriptedSmtp } from '@campus/platform/testing/scripted-smtp'
import { createTcpProxy } from '@campus/platform/testing/tcp-proxy'
import { sql } from 'drizzle-orm'
import { test } from 'tap'
import { newOrderId, newReader, openBench } from '../test-bench.ts'

/** Sends one mail to a server with these replies and waits until its delivery is over. */
async function deliver(t: Parameters<typeof openBench>[0], replies: SmtpReplies, attemptsMax = 5) {
  const smtp = await scriptedSmtp(t, replies)
  const bench = await openBench(t, {
    SMTP_URL: smtp.url,
    MAIL_ATTEMPTS_MAX: String(attemptsMax),
  })
  const ada = newReader()
  await bench.publish(ada.profile(), ada.confirmed(newOrderId()))
  await eventually(async () => {
    const [delivery] = await bench.deliveriesTo(ada.userId)
    assert.ok(!['waiting', 'pending'].includes(delivery?.state ?? 'waiting'), delivery?.state)
  })
  const [delivery] = await bench.deliveriesTo(ada.userId)
  const mails = smtp.received.filter(line => line.startsWith('MAIL')).length
  return { delivery, mails, types: await bench.emitted(ada.userId) }
}

test('a mail that the server refuses for good is tried once and told of', async t => {
  const { delivery, mails, types } = await deliver(t, { RCPT: '550 no such mailbox' })
  t.match(delivery, { state: 'failed', attempts: 1 })
  t.equal(mails, 1)
  t.same(types, ['notification_created', 'delivery_failed'])
})

test('a mail that the server puts off is tried again, so often and no more', async t => {
  const { delivery, mails, types } = await deliver(t, { RCPT: '451 try later' }, 2)
  t.match(delivery, { state: 'failed', attempts: 2 })
  t.equal(mails, 2)
  t.same(types, ['notification_created', 'delivery_failed'])
})

test('a mail whose answer is lost may have been sent, so it is not repeated', async t => {
  const { delivery, mails, types } = await deliver(t, { BODY: 'drop' })
  t.match(delivery, { state: 'ambiguous', attempts: 1 })
  t.equal(mails, 1)
  t.same(types, ['notification_created', 'delivery_failed'])
})

test('a mail that cannot be sent now is sent once when the server is back', async t => {
  const proxy = await createTcpProxy(t, process.env['SMTP_URL'] ?? '')
  proxy.cut()
  const bench = await openBench(t, { SMTP_URL: proxy.url })
  const ada = newReader()
  await bench.publish(ada.profile(), ada.confirmed(newOrderId()))
  await eventually(async () => {
    const { rows } = await bench.postgres.read(tx =>
      tx.execute(sql`select from effect where state = 'pending' and error is not null`),
    )
    assert.equal(rows.length, 1)
  })
  proxy.restore()
  await bench.mailed(ada.email)
  await eventually(async () => {
    assert.equal((await bench.deliveriesTo(ada.userId))[0]?.state, 'sent')
  })
  t.equal((await bench.mailsTo(ada.email)).length, 1)
})
