import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'

/** JSON of an answer. Checked by whoever reads it: this client is for tools and proofs. */
export type Json = ReturnType<typeof JSON.parse>

/** What the gateway answered. */
export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly body: Json
}

export interface Ask {
  readonly body?: object
  readonly headers?: Readonly<Record<string, string>>
  /** Access token. */
  readonly token?: string
  /** An `Idempotency-Key`; `fresh` makes one. */
  readonly key?: string
  readonly ifMatch?: string
  /** Seconds for `Prefer: wait`. */
  readonly wait?: number
  readonly timeoutMs?: number
}

/** Talks to a mesh as a person's program would: over the gateway only. */
export interface Client {
  readonly gatewayUrl: string
  ask(method: string, path: string, options?: Ask): Promise<Answer>
  /** The same, but any status other than `expected` is an error that shows the answer. */
  must(expected: number, method: string, path: string, options?: Ask): Promise<Answer>
}

/** @param gatewayUrl e.g. `http://127.0.0.1:8080` */
export function createClient(gatewayUrl: string): Client {
  async function ask(method: string, path: string, options: Ask = {}): Promise<Answer> {
    for (let tries = 1; ; tries += 1) {
      const answer = await askOnce(method, path, options)
      // Shed requests have had no effect, and the answer says when to come again.
      if (answer.body?.code !== 'server.overloaded' || tries >= 10) return answer
      await delay(Number(answer.headers.get('retry-after') ?? 1) * 1_000 * Math.random())
    }
  }

  async function askOnce(method: string, path: string, options: Ask): Promise<Answer> {
    const headers: Record<string, string> = { accept: 'application/json', ...options.headers }
    if (options.body !== undefined) headers['content-type'] = 'application/json'
    if (options.token !== undefined) headers['authorization'] = `Bearer ${options.token}`
    if (options.key !== undefined) headers['idempotency-key'] = options.key
    if (options.ifMatch !== undefined) headers['if-match'] = options.ifMatch
    if (options.wait !== undefined) headers['prefer'] = `wait=${options.wait}`
    const response = await fetch(gatewayUrl + path, {
      method,
      headers,
      signal: AbortSignal.timeout(options.timeoutMs ?? 20_000),
      ...(options.body !== undefined && { body: JSON.stringify(options.body) }),
    })
    const text = await response.text()
    const isJson = response.headers.get('content-type')?.includes('json') === true
    return {
      status: response.status,
      headers: response.headers,
      body: isJson && text !== '' ? JSON.parse(text) : text,
    }
  }
  return {
    gatewayUrl,
    ask,
    async must(expected, method, path, options) {
      const answer = await ask(method, path, options)
      if (answer.status !== expected) {
        const body = JSON.stringify(answer.body)
        throw new Error(`${method} ${path} answered ${answer.status}, not ${expected}: ${body}`)
      }
      return answer
    },
  }
}

/** A key that no request has used. */
export function freshKey(): string {
  return randomUUID()
}

/** Mails as the inbox shows them, by Mailpit's read API. */
export interface Mail {
  readonly ID: string
  readonly MessageID: string
  readonly Subject: string
  readonly Text: string
  readonly HTML: string
  readonly To: readonly { readonly Name: string; readonly Address: string }[]
}

/** Waits for a mail to `address` whose subject matches. @throws after `timeoutMs` */
export async function mailTo(
  inboxUrl: string,
  address: string,
  subject: RegExp,
  timeoutMs = 20_000,
): Promise<Mail> {
  const until = performance.now() + timeoutMs
  for (;;) {
    const found = (await mailsTo(inboxUrl, address)).find(mail => subject.test(mail.Subject))
    if (found !== undefined) {
      const response = await fetch(`${inboxUrl}/api/v1/message/${found.ID}`)
      const mail: Mail = JSON.parse(await response.text())
      return mail
    }
    if (performance.now() > until) throw new Error(`No mail ${subject} came to ${address}.`)
    await delay(50)
  }
}

/** Mails to an address, the newest first, without their texts. */
export async function mailsTo(
  inboxUrl: string,
  address: string,
): Promise<Pick<Mail, 'ID' | 'Subject' | 'MessageID'>[]> {
  const query = encodeURIComponent(`to:${address}`)
  const response = await fetch(`${inboxUrl}/api/v1/search?query=${query}&limit=200`)
  const found: { messages: Pick<Mail, 'ID' | 'Subject' | 'MessageID'>[] } = JSON.parse(
    await response.text(),
  )
  return found.messages
}
