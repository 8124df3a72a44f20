import { test } from 'tap'
import type { Cleanup } from '../testing/cleanup.ts'
import { type SmtpReplies, scriptedSmtp } from '../testing/scripted-smtp.ts'
import { createMailer, isMailAddress, MailError } from './mailer.ts'

/** A mailer and the scripted server that it talks to. */
async function scripted(t: Cleanup, replies: SmtpReplies = {}) {
  const { url, ...smtp } = await scriptedSmtp(t, replies)
  const mailer = createMailer({ url, from: { name: 'Campus', address: 'campus@example.org' } })
  t.teardown(() => mailer.close())
  return { mailer, ...smtp }
}

const mail = {
  to: { name: 'Ada Lovelace', address: 'ada@example.org' },
  subject: 'Your order is complete',
  text: 'Thank you.',
  html: '<p>Thank you.</p>',
  messageId: '<effect-1@campus.example>',
}

test('a mail goes to its one recipient with the message id of its effect', async t => {
  const { mailer, received } = await scripted(t)
  await mailer.send(mail)
  t.same(
    received.filter(line => /^(MAIL|RCPT)/.test(line)),
    ['MAIL FROM:<campus@example.org>', 'RCPT TO:<ada@example.org>'],
  )
  const body = received.find(part => part.includes('Subject:')) ?? ''
  t.match(body, 'Message-ID: <effect-1@campus.example>')
  t.match(body, 'To: Ada Lovelace <ada@example.org>')
  t.match(body, 'Subject: Your order is complete')
})

test('a comma in the name adds no recipient', async t => {
  const { mailer, received } = await scripted(t)
  await mailer.send({ ...mail, to: { name: 'A, eve@example.org', address: 'ada@example.org' } })
  t.equal(received.filter(line => line.startsWith('RCPT')).length, 1)
})

/** The error of a mail; undefined when it was sent. */
async function outcome(sending: Promise<void>): Promise<MailError | undefined> {
  try {
    await sending
    return undefined
  } catch (error) {
    if (error instanceof MailError) return error
    throw error
  }
}

const hostile = [
  'ada@example.org, eve@example.org',
  'ada@example.org\r\nRCPT TO:<eve@example.org>',
  '<ada@example.org>',
  'ada',
  '"a b"@example.org',
  'ada@exa mple.org',
  `${'a'.repeat(65)}@example.org`,
]

test('what is not one plain address is refused before anything is sent', async t => {
  const { mailer, received } = await scripted(t)
  for (const address of hostile) {
    t.notOk(isMailAddress(address), address)
    const sending = mailer.send({ ...mail, to: { name: 'x', address } })
    // oxlint-disable-next-line no-await-in-loop
    t.match(await outcome(sending), { certain: true, permanent: true }, address)
  }
  await t.rejects(mailer.send({ ...mail, subject: 'a\r\nBcc: eve@example.org' }), MailError)
  await t.rejects(
    mailer.send({ ...mail, to: { name: 'a\nb', address: 'ada@example.org' } }),
    MailError,
  )
  t.same(received, [])
})

const failures = [
  ['a refused recipient', { RCPT: '550 no such user' }, { certain: true, permanent: true }],
  ['a recipient refused for now', { RCPT: '451 later' }, { certain: true, permanent: false }],
  ['a refused DATA', { DATA: '554 no' }, { certain: true, permanent: true }],
  ['a connection lost before DATA', { MAIL: 'drop' }, { certain: true, permanent: false }],
  ['a refused body', { BODY: '552 too big' }, { certain: true, permanent: true }],
  ['a body refused for now', { BODY: '452 full' }, { certain: true, permanent: false }],
  ['a connection lost after the body', { BODY: 'drop' }, { certain: false, permanent: false }],
] as const

for (const [name, replies, expected] of failures) {
  test(`${name} is certain: ${expected.certain}, permanent: ${expected.permanent}`, async t => {
    const { mailer, received } = await scripted(t, replies)
    t.match(await outcome(mailer.send(mail)), expected)
    const bodies = received.filter(part => part.includes('Subject:')).length
    t.ok(bodies <= 1, 'nothing is tried again by itself')
  })
}

test('a server that is not there certainly sent nothing', async t => {
  const mailer = createMailer({
    url: 'smtp://127.0.0.1:9',
    from: { name: 'Campus', address: 'campus@example.org' },
  })
  t.teardown(() => mailer.close())
  t.match(await outcome(mailer.send(mail)), { certain: true, permanent: false })
  await t.rejects(mailer.ping())
})
