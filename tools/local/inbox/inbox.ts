import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import type { HeldPort } from '../ports.ts'
import { loopback } from '../ports.ts'
import { serveInbox } from './http.ts'
import { openMailStore } from './mail-store.ts'
import { listenForMail, type MailMood } from './smtp.ts'

/** A mail server for development: it takes every mail and delivers none. */
export interface Inbox {
  /** Where services send mail. */
  readonly smtpUrl: string
  /** Where people and tests read it. */
  readonly url: string
  stop(): Promise<void>
}

/** Ports that the inbox prefers. */
export const inboxPorts = { smtp: 1025, http: 8025 }

/**
 * Starts the inbox in this process; `folder` keeps its mails.
 *
 * @param options.mood how it answers each mail; it takes them all when absent
 * @param options.keptMax mails that are kept, the newest ones
 */
export async function startInbox(
  folder: string,
  ports: { readonly smtp: HeldPort; readonly http: HeldPort },
  options: { readonly mood?: () => MailMood; readonly keptMax?: number } = {},
): Promise<Inbox> {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const store = openMailStore(folder, options.keptMax)
  await Promise.all([ports.smtp.release(), ports.http.release()])
  const smtp = await listenForMail(store, ports.smtp.port, options.mood ?? (() => 'takes'))
  const http = await serveInbox(store, ports.http.port)
  return {
    smtpUrl: `smtp://${loopback}:${ports.smtp.port}`,
    url: `http://${loopback}:${ports.http.port}`,
    async stop() {
      const closed = once(http, 'close')
      http.close()
      http.closeAllConnections()
      const { promise, resolve } = Promise.withResolvers<void>()
      smtp.close(() => resolve())
      await Promise.all([closed, promise])
    },
  }
}
