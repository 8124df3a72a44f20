import { Readable } from 'node:stream'
import { createTransport } from 'nodemailer'

/** A mailbox. It is never text that a library would parse: a comma in it must add no recipient. */
export interface Mailbox {
  readonly name: string
  readonly address: string
}

/** One mail to one recipient. */
export interface Mail {
  readonly to: Mailbox
  readonly subject: string
  readonly text: string
  /** Escaped by whoever rendered it. */
  readonly html: string
  /** `<id@domain>`, derived from the id of the effect: a second copy can be recognised. */
  readonly messageId: string
}

/** Sends mail. SMTP has no commit, so a mail may arrive twice after a crash. */
export interface Mailer {
  /** @throws MailError which says whether the mail can have been sent */
  send(mail: Mail): Promise<void>
  /** @throws when the mail server cannot be reached now */
  ping(): Promise<void>
  close(): Promise<void>
}

/** A mail that was not accepted, or of which nobody knows. */
export class MailError extends Error {
  override readonly name = 'MailError'
  /**
   * True: certainly not sent, so it may be sent again. False: the body was on its way when the answer
   * was lost, so it may have been sent.
   */
  readonly certain: boolean
  /** True when the server refused this mail for good (5xx) or its addresses are no addresses. */
  readonly permanent: boolean

  constructor(
    message: string,
    options: { readonly certain: boolean; readonly permanent: boolean; readonly cause?: unknown },
  ) {
    super(message, { cause: options.cause })
    this.certain = options.certain
    this.permanent = options.permanent
  }
}

const addressPattern = /^[^\s@<>(),;:"[\]\\]{1,64}@[A-Za-z0-9.-]{1,253}$/

/** Whether `address` is one plain address; quoted local parts and comments are not. */
export function isMailAddress(address: string): boolean {
  return addressPattern.test(address) && !/\p{Cc}/u.test(address)
}

/**
 * Creates a mailer with a small pool of connections.
 *
 * @param options.url `smtp://` or `smtps://`, with user and password when the server wants them
 */
export function createMailer({
  url,
  from,
}: {
  readonly url: string
  readonly from: Mailbox
}): Mailer {
  // Mails whose body the server has begun to read.
  const begun = new Set<string>()
  const transport = createTransport({
    url,
    pool: true,
    maxConnections: 3,
    maxMessages: 100,
    // Trying again is decided by the effect's state, never in here.
    maxRequeues: 0,
    connectionTimeout: 3_000,
    greetingTimeout: 3_000,
    socketTimeout: 5_000,
    dnsTimeout: 3_000,
    disableFileAccess: true,
    disableUrlAccess: true,
  })
  // The body is read only once the server has accepted DATA: from then on a lost connection leaves
  // open whether the mail was sent.
  transport.use('stream', (mail, done) => {
    const { message } = mail
    const { messageId } = mail.data
    const createReadStream = message.createReadStream.bind(message)
    message.createReadStream = () => {
      return Readable.from(bodyOf(createReadStream, () => begun.add(String(messageId))))
    }
    done()
  })

  return {
    async send({ to, subject, text, html, messageId }) {
      if (!isMailAddress(to.address) || /\p{Cc}/u.test(`${to.name}${subject}${messageId}`)) {
        throw new MailError('The mail has no usable address or subject.', {
          certain: true,
          permanent: true,
        })
      }
      try {
        await transport.sendMail({
          from: { ...from },
          to: { ...to },
          subject,
          text,
          html,
          messageId,
          envelope: { from: from.address, to: [to.address] },
        })
      } catch (error) {
        throw classify(error, begun.has(messageId))
      } finally {
        begun.delete(messageId)
      }
    },
    async ping() {
      await transport.verify()
    },
    async close() {
      transport.close()
      return Promise.resolve()
    },
  }
}

async function* bodyOf(
  createReadStream: () => AsyncIterable<Uint8Array>,
  onRead: () => void,
): AsyncGenerator<Uint8Array> {
  onRead()
  yield* createReadStream()
}

function classify(error: unknown, hasBegun: boolean): MailError {
  const code: unknown = error instanceof Error ? Reflect.get(error, 'responseCode') : undefined
  // A reply to the body is a verdict; silence after it is not.
  const isAnswered = typeof code === 'number' && code >= 400
  const certain = isAnswered || !hasBegun
  return new MailError(certain ? 'The mail was not sent.' : 'Nobody knows if the mail was sent.', {
    certain,
    permanent: isAnswered && code >= 500,
    cause: error,
  })
}
