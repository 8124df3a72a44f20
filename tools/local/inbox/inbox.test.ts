import { mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { type Test, test } from 'tap'
import { holdPort } from '../ports.ts'
import { type Inbox, startInbox } from './inbox.ts'

test('a mail sent over SMTP is listed, found and read', async t => {
  const { inbox } = await openInbox(t)
  await send(inbox, { to: 'ada@campus.test', subject: 'Your order', text: 'Thank you, Ada.' })
  await send(inbox, { to: 'bob@campus.test', subject: 'Welcome', text: 'Hello.' })

  const list = await get(inbox, '/api/v1/messages')
  t.match(list, { total: 2, count: 2, start: 0 })
  t.match(list.messages[0], { Subject: 'Welcome', To: [{ Address: 'bob@campus.test' }] })

  for (const query of ['to:ada@campus.test', 'subject:"your order"', 'thank ada', 'to:ADA order']) {
    const found = await get(inbox, `/api/v1/search?query=${encodeURIComponent(query)}`)
    t.equal(found.messages_count, 1, query)
    t.equal(found.messages[0]?.Subject, 'Your order', query)
  }
  t.match(await get(inbox, '/api/v1/search?query=to:ada+welcome'), { messages_count: 0 })

  const message = await get(inbox, `/api/v1/message/${list.messages[1]?.ID}`)
  t.match(message, {
    Subject: 'Your order',
    From: { Name: 'Campus', Address: 'no-reply@campus.test' },
    Text: 'Thank you, Ada.',
    HTML: '',
  })
})

test('the HTML of a mail may run nothing and load nothing', async t => {
  const { inbox } = await openInbox(t)
  const html = '<script>alert(1)</script><a href="https://example.com">link</a>'
  await send(inbox, { to: 'ada@campus.test', subject: '<b>bold</b>', html })
  const { messages } = await get(inbox, '/api/v1/messages')
  const page = await fetch(`${inbox.url}/mail/${messages[0]?.ID}`)
  const body = await page.text()
  t.match(body, /<iframe sandbox="allow-popups allow-popups-to-escape-sandbox"/)
  t.notMatch(body, '<b>bold</b>')
  t.match(page.headers.get('content-security-policy'), "default-src 'none'")
  const frame = await fetch(`${inbox.url}/mail/${messages[0]?.ID}/html`)
  t.match(
    frame.headers.get('content-security-policy'),
    /^sandbox allow-popups .*default-src 'none'/,
  )
  t.match(await frame.text(), html)
})

test('mails outlive the inbox, and DELETE removes all of them', async t => {
  const { inbox, folder } = await openInbox(t)
  await send(inbox, { to: 'ada@campus.test', subject: 'Kept', text: 'Still here.' })
  const again = await startInbox(folder, await freePorts())
  t.teardown(() => again.stop())
  t.match(await get(again, '/api/v1/messages'), { total: 1, messages: [{ Subject: 'Kept' }] })
  await fetch(`${again.url}/api/v1/messages`, { method: 'DELETE' })
  t.match(await get(again, '/api/v1/messages'), { total: 0, messages: [] })
})

test('a recipient that no header names appears as Bcc', async t => {
  const { inbox } = await openInbox(t)
  await send(inbox, { to: 'ada@campus.test', also: 'eve@campus.test', subject: 'Two', text: 'Hi.' })
  const { messages } = await get(inbox, '/api/v1/messages')
  t.match(messages[0], { Bcc: [{ Address: 'eve@campus.test' }] })
})

test('a page of another host name is refused', async t => {
  const { inbox } = await openInbox(t)
  const socket = connect(Number(new URL(inbox.url).port), '127.0.0.1')
  socket.end('GET /api/v1/messages HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n')
  let answer = ''
  for await (const chunk of socket) answer += String(chunk)
  t.match(answer, /^HTTP\/1\.1 403 /)
})

interface Mail {
  readonly to: string
  readonly also?: string
  readonly subject: string
  readonly text?: string
  readonly html?: string
}

interface Listed {
  readonly messages_count: number
  readonly messages: readonly { readonly ID: string; readonly Subject: string }[]
}

async function openInbox(t: Test): Promise<{ inbox: Inbox; folder: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'inbox-'))
  const inbox = await startInbox(folder, await freePorts())
  t.teardown(async () => {
    await inbox.stop()
    rmSync(folder, { recursive: true })
  })
  return { inbox, folder }
}

async function freePorts() {
  return { smtp: await holdPort(undefined), http: await holdPort(undefined) }
}

async function get(inbox: Inbox, path: string): Promise<Listed> {
  const response = await fetch(`${inbox.url}${path}`)
  const body: Listed = JSON.parse(await response.text())
  return body
}

/** A minimal SMTP client: each command waits for the answer to the one before. */
async function send(inbox: Inbox, mail: Mail): Promise<void> {
  const socket = connect(Number(new URL(inbox.smtpUrl).port), '127.0.0.1')
  const type = mail.html === undefined ? 'text/plain' : 'text/html'
  const content = [
    'From: Campus <no-reply@campus.test>',
    `To: ${mail.to}`,
    `Subject: ${mail.subject}`,
    `Content-Type: ${type}; charset=utf-8`,
    '',
    `${mail.html ?? mail.text}\r\n.`,
  ].join('\r\n')
  const recipients = [mail.to, ...(mail.also === undefined ? [] : [mail.also])]
  const commands = [
    'EHLO test',
    'MAIL FROM:<no-reply@campus.test>',
    ...recipients.map(address => `RCPT TO:<${address}>`),
    'DATA',
    content,
    'QUIT',
  ]
  for await (const line of createInterface({ input: socket })) {
    if (/^[45]/.test(line)) throw new Error(line)
    // "250-" announces more lines of the same answer.
    if (/^\d{3} /.test(line)) socket.write(`${commands.shift() ?? ''}\r\n`)
    if (line.startsWith('221')) break
  }
  socket.destroy()
}
