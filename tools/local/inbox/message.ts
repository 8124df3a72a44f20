/** Names and shapes of this file are those of Mailpit's API, so that tests run against either. */

/** A mailbox with its display name, which is empty when the mail gives none. */
export interface Address {
  readonly Name: string
  readonly Address: string
}

interface Envelope {
  readonly ID: string
  /** Without angle brackets. */
  readonly MessageID: string
  readonly From: Address
  readonly To: readonly Address[]
  readonly Cc: readonly Address[]
  /** Recipients of the SMTP envelope that no header names. */
  readonly Bcc: readonly Address[]
  readonly ReplyTo: readonly Address[]
  readonly Subject: string
  /** Bytes of the whole mail as it was received. */
  readonly Size: number
}

/** A mail in a list. */
export interface MessageSummary extends Envelope {
  /** When it was received, ISO 8601. */
  readonly Created: string
  /** The number of attachments. */
  readonly Attachments: number
  /** The beginning of its text. */
  readonly Snippet: string
}

/** A mail as a whole. */
export interface Message extends Envelope {
  /** When it was received, ISO 8601. */
  readonly Date: string
  readonly ReturnPath: string
  readonly Text: string
  /** Empty for a mail that is only text. */
  readonly HTML: string
  readonly Attachments: readonly Attachment[]
}

/** What is known of an attachment; its content is not kept. */
export interface Attachment {
  readonly FileName: string
  readonly ContentType: string
  readonly Size: number
}

/** A mail as it lies on disk. */
export interface StoredMail {
  readonly message: Message
  /** Header fields by name, values in the order of the mail. */
  readonly headers: Readonly<Record<string, readonly string[]>>
}

/** Characters of the text that a list shows, as many as Mailpit. */
const snippetCharacters = 250

/** The entry of a mail in a list. */
export function summarize(message: Message): MessageSummary {
  const { ID, MessageID, From, To, Cc, Bcc, ReplyTo, Subject, Size } = message
  return {
    ID,
    MessageID,
    From,
    To,
    Cc,
    Bcc,
    ReplyTo,
    Subject,
    Size,
    Created: message.Date,
    Attachments: message.Attachments.length,
    Snippet: message.Text.replaceAll(/\s+/g, ' ').trim().slice(0, snippetCharacters),
  }
}
