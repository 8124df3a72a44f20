import { once } from 'node:events'
import { SMTPServer, type SMTPServerDataStream, type SMTPServerSession } from 'smtp-server'
import { loopback } from '../ports.ts'
import type { MailStore } from './mail-store.ts'
import { parseMail } from './parse-mail.ts'

const mailBytesMax = 10 * 1024 * 1024
const connectionsMax = 100

/** How a mail is answered. `silent`: it is taken, but the sender is never told. */
export type MailMood = 'takes' | 'later' | 'silent'

/**
 * Takes every mail from everybody: it listens on the loopback interface only.
 *
 * @param mood asked for each mail; tests of failures answer otherwise than `takes`
 */
export async function listenForMail(
  store: MailStore,
  port: number,
  mood: () => MailMood,
): Promise<SMTPServer> {
  const server = new SMTPServer({
    size: mailBytesMax,
    maxClients: connectionsMax,
    // A sender may present credentials, as it would to a real server; any will do.
    authOptional: true,
    allowInsecureAuth: true,
    onAuth: (auth, _session, done) => done(null, { user: auth.username ?? 'anyone' }),
    // There is no certificate for the loopback interface.
    disabledCommands: ['STARTTLS'],
    disableReverseLookup: true,
    closeTimeout: 1_000,
    onData: (stream, session, done) => {
      void take(store, stream, session, { mood: mood(), done })
    },
  })
  // A client that hangs up in the middle is no concern of ours.
  server.on('error', () => undefined)
  const listening = once(server.server, 'listening')
  server.listen(port, loopback)
  await listening
  return server
}

async function take(
  store: MailStore,
  stream: SMTPServerDataStream,
  session: SMTPServerSession,
  { mood, done }: { mood: MailMood; done: (error?: Error) => void },
): Promise<void> {
  if (mood === 'later') {
    stream.resume()
    done(Object.assign(new Error('Come again later.'), { responseCode: 451 }))
    return
  }
  try {
    await receive(store, stream, session)
  } catch (error) {
    done(error instanceof Error ? error : new Error(String(error)))
    return
  }
  if (mood === 'takes') done()
}

async function receive(
  store: MailStore,
  stream: SMTPServerDataStream,
  { envelope }: SMTPServerSession,
): Promise<void> {
  const chunks: Buffer[] = []
  for await (const chunk of stream) {
    // Read to the end in any case, as the protocol wants, but kept only up to the limit.
    if (!stream.sizeExceeded) chunks.push(chunk)
  }
  if (stream.sizeExceeded) throw new Error(`The mail has more than ${mailBytesMax} bytes.`)
  const parties = {
    from: envelope.mailFrom === false ? '' : envelope.mailFrom.address,
    to: envelope.rcptTo.map(({ address }) => address),
  }
  await store.add(await parseMail(Buffer.concat(chunks), parties, new Date()))
}
