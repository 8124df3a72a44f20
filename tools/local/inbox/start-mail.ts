import type { HeldPort } from '../ports.ts'
import { type Inbox, inboxPorts, startInbox } from './inbox.ts'

/** Where mail goes and where it is read, under the names from which services and tests read it. */
export interface MailAddresses {
  readonly SMTP_URL: string
  /** Absent when the person's own SMTP server was named without a place to read its mails. */
  readonly INBOX_URL?: string
}

/** What {@link startMail} needs. */
export interface MailOptions {
  readonly folder: string
  /** Holds the preferred port or a free one. */
  readonly takePort: (preferred: number) => Promise<HeldPort>
  readonly say: (line: string) => void
  /** Where addresses of the person's own servers are read from. */
  readonly env: NodeJS.ProcessEnv
}

/** Starts the inbox in this process, unless the environment names an SMTP server. */
export async function startMail(
  options: MailOptions,
): Promise<{ readonly addresses: MailAddresses; readonly inbox?: Inbox }> {
  const { SMTP_URL, INBOX_URL } = options.env
  if (SMTP_URL !== undefined && SMTP_URL !== '') {
    options.say('mail is yours (SMTP_URL)')
    return { addresses: { SMTP_URL, ...(INBOX_URL === undefined ? {} : { INBOX_URL }) } }
  }
  const startedAt = performance.now()
  const [smtp, http] = await Promise.all([
    options.takePort(inboxPorts.smtp),
    options.takePort(inboxPorts.http),
  ])
  const inbox = await startInbox(options.folder, { smtp, http })
  options.say(`inbox is ready after ${Math.round(performance.now() - startedAt)} ms`)
  return { addresses: { SMTP_URL: inbox.smtpUrl, INBOX_URL: inbox.url }, inbox }
}
