import { test } from 'tap'
import { knownAddressMail, verificationMail } from './mails.ts'

const to = { name: '<b>Ada & Bob</b>', address: 'ada@example.org' }

test('the verification mail shows its token as a line and in a link, outside of what servers see', async t => {
  const { text, html } = verificationMail(to, 'abc-123_x', 'https://campus.example')
  t.equal(/Token: (\S+)/.exec(text)?.[1], 'abc-123_x')
  const link = 'https://campus.example/v1/auth/email/verify#token=abc-123_x'
  t.ok(text.includes(link))
  t.ok(html.includes(`<a href="${link}">`))
})

test('names are escaped in the markup and plain in the text', async t => {
  for (const mail of [verificationMail(to, 'x', 'https://campus.example'), knownAddressMail(to)]) {
    t.ok(mail.html.includes('&lt;b&gt;Ada &amp; Bob&lt;/b&gt;'))
    t.notOk(mail.html.includes('<b>'))
    t.ok(mail.text.includes('Hello <b>Ada & Bob</b>,'))
    t.same(mail.to, to)
  }
})
