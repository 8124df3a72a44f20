import { randomBytes } from 'node:crypto'
import type { AddressObject, ParsedMail } from 'mailparser'
import type { Address, StoredMail } from './message.ts'

/** Sender and recipients as the SMTP session named them. */
export interface SmtpEnvelope {
  readonly from: string
  readonly to: readonly string[]
}

/** Reads a mail as it came over SMTP. */
export async function parseMail(
  raw: Buffer,
  envelope: SmtpEnvelope,
  now: Date,
): Promise<StoredMail> {
  // The parser and its character sets take 25 MB: a mesh that sends no mail does not load them.
  const { simpleParser } = await import('mailparser')
  const mail = await simpleParser(raw, { skipImageLinks: true })
  const to = addresses(mail.to)
  const cc = addresses(mail.cc)
  const named = new Set([...to, ...cc].map(({ Address: address }) => address.toLowerCase()))
  return {
    message: {
      ID: newId(now),
      MessageID: mail.messageId?.replaceAll(/[<>]/g, '') ?? '',
      From: addresses(mail.from)[0] ?? { Name: '', Address: envelope.from },
      To: to,
      Cc: cc,
      Bcc: envelope.to
        .filter(address => !named.has(address.toLowerCase()))
        .map(address => ({ Name: '', Address: address })),
      ReplyTo: addresses(mail.replyTo),
      ReturnPath: envelope.from,
      Subject: mail.subject ?? '',
      Size: raw.length,
      Date: now.toISOString(),
      Text: mail.text ?? '',
      HTML: mail.html || '',
      Attachments: mail.attachments.map(({ filename, contentType, size }) => ({
        FileName: filename ?? '',
        ContentType: contentType,
        Size: size,
      })),
    },
    headers: headerFields(mail),
  }
}

/** Sorts by time of arrival; random at the end, for mails of the same millisecond. */
function newId(now: Date): string {
  return now.getTime().toString(36).padStart(9, '0') + randomBytes(8).toString('hex')
}

function addresses(field: AddressObject | AddressObject[] | undefined): Address[] {
  return [field ?? []]
    .flat()
    .flatMap(({ value }) => value)
    .map(({ name, address }) => ({ Name: name, Address: address ?? '' }))
}

function headerFields(mail: ParsedMail): Record<string, string[]> {
  const fields: Record<string, string[]> = {}
  for (const { line } of mail.headerLines) {
    const colon = line.indexOf(':')
    const name = line.slice(0, colon)
    const value = line.slice(colon + 1).replaceAll(/\r?\n(?=[ \t])/g, '')
    fields[name] = [...(fields[name] ?? []), value.trim()]
  }
  return fields
}
