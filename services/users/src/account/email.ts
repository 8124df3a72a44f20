const localPart = /^[^\s@<>(),;:"[\]\\]{1,64}$/
const domainPart = /^[\p{L}\p{M}\p{N}.-]{1,253}$/u
/** Labels of letters, digits and inner hyphens; the last one is no number, or it were an IP address. */
const host = /^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/
const emailLengthMax = 254

/**
 * The one spelling of an e-mail address: without space around it, in lower case, the local part in NFC
 * and the domain as DNS knows it. Two spellings of one mailbox must not become two accounts.
 *
 * Lower case is wrong in theory for a local part that means case, and right for every mailbox in use.
 *
 * @returns undefined when `text` is not one plain address
 * @see https://www.rfc-editor.org/rfc/rfc5321#section-2.4
 */
export function normalEmail(text: string): string | undefined {
  if (text.length > emailLengthMax || /\p{Cc}/u.test(text)) return undefined
  const trimmed = text.trim()
  const at = trimmed.lastIndexOf('@')
  const local = trimmed.slice(0, at).normalize('NFC').toLowerCase()
  const domain = trimmed.slice(at + 1).normalize('NFC')
  if (at < 0 || !localPart.test(local) || !domainPart.test(domain)) return undefined
  const ascii = URL.parse(`http://${domain}`)?.hostname ?? ''
  const email = `${local}@${ascii}`
  return host.test(ascii) && email.length <= emailLengthMax ? email : undefined
}
