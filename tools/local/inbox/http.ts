import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { loopback } from '../ports.ts'
import { type MailStore, mailsMax } from './mail-store.ts'
import { renderList, renderMail, styleSheet } from './page.ts'

interface Answer {
  readonly status: number
  readonly type: string
  readonly body: string
  readonly policy?: string
}

type Route = (store: MailStore, url: URL, id: string) => Answer | Promise<Answer>

/** Mails in one answer unless `limit` asks for more or fewer, as in Mailpit. */
const pageSize = 50

/** Our own pages: no script, no foreign content, not to be framed. */
const pagePolicy = "default-src 'none'; style-src 'self'; frame-src 'self'; frame-ancestors 'none'"

/** What a mail may do: be looked at. Its links open outside of the sandbox. */
const mailPolicy =
  "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'"

const routes: readonly (readonly [method: string, path: RegExp, route: Route])[] = [
  ['GET', /^\/api\/v1\/messages$/, (store, url) => list(store, url, undefined)],
  ['DELETE', /^\/api\/v1\/messages$/, clear],
  ['GET', /^\/api\/v1\/search$/, (store, url) => list(store, url, queryOf(url))],
  ['GET', /^\/api\/v1\/message\/(\w+)$/, async (store, _url, id) => json(await find(store, id))],
  ['GET', /^\/api\/v1\/message\/(\w+)\/headers$/, headers],
  ['GET', /^\/$/, (store, url) => page(renderList(store.list(queryOf(url)), queryOf(url)))],
  ['GET', /^\/style\.css$/, () => ({ status: 200, type: 'text/css', body: styleSheet })],
  ['GET', /^\/mail\/(\w+)$/, async (store, _url, id) => page(renderMail(await find(store, id)))],
  ['GET', /^\/mail\/(\w+)\/html$/, mailHtml],
]

/** Serves Mailpit's read API and two pages that show the mails. */
export async function serveInbox(store: MailStore, port: number): Promise<Server> {
  const server = createServer((request, response) => {
    void respond(store, request, response)
  })
  const listening = once(server, 'listening')
  server.listen(port, loopback)
  await listening
  return server
}

async function respond(
  store: MailStore,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { status, type, body, policy } = await answer(store, request)
  response.writeHead(status, {
    'content-type': `${type}; charset=utf-8`,
    'content-security-policy': policy ?? pagePolicy,
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'cache-control': 'no-store',
  })
  response.end(body)
}

async function answer(store: MailStore, request: IncomingMessage): Promise<Answer> {
  // A foreign page whose name resolves to 127.0.0.1 must not read the mails: they hold login links.
  const host = request.headers.host ?? ''
  if (!/^(127\.0\.0\.1|localhost)(:\d+)?$/.test(host)) return text(403, 'This host is not served.')
  try {
    const url = new URL(request.url ?? '/', `http://${host}`)
    for (const [method, path, route] of routes) {
      const match = path.exec(url.pathname)
      if (match && method === request.method) return await route(store, url, match[1] ?? '')
    }
    return text(404, 'There is nothing here.')
  } catch (error) {
    return error instanceof UnknownMail ? text(404, error.message) : text(500, String(error))
  }
}

class UnknownMail extends Error {
  override readonly name = 'UnknownMail'
}

async function read(store: MailStore, id: string) {
  const mail = await store.read(id)
  if (mail === undefined) throw new UnknownMail('There is no such mail.')
  return mail
}

async function find(store: MailStore, id: string) {
  return (await read(store, id)).message
}

async function headers(store: MailStore, _url: URL, id: string): Promise<Answer> {
  return json((await read(store, id)).headers)
}

async function mailHtml(store: MailStore, _url: URL, id: string): Promise<Answer> {
  const { HTML } = await find(store, id)
  return {
    status: 200,
    type: 'text/html',
    body: `<base target="_blank">${HTML}`,
    policy: mailPolicy,
  }
}

function clear(store: MailStore): Answer {
  store.clear()
  return text(200, 'ok')
}

function list(store: MailStore, url: URL, query: string | undefined): Answer {
  const total = store.list().length
  const found = store.list(query)
  const start = countOf(url, 'start', 0)
  const messages = found.slice(start, start + Math.min(countOf(url, 'limit', pageSize), mailsMax))
  return json({ total, count: messages.length, messages_count: found.length, start, messages })
}

function queryOf(url: URL): string {
  return url.searchParams.get('query') ?? ''
}

function countOf(url: URL, name: string, otherwise: number): number {
  const value = Number(url.searchParams.get(name) ?? otherwise)
  return Number.isInteger(value) && value >= 0 ? value : otherwise
}

function json(value: unknown): Answer {
  return { status: 200, type: 'application/json', body: JSON.stringify(value) }
}

function page(body: string): Answer {
  return { status: 200, type: 'text/html', body }
}

function text(status: number, body: string): Answer {
  return { status, type: 'text/plain', body }
}
