import type { SecretMail } from '../secret-mail.ts'

/** Hours that the token of a mail is good for. */
export const tokenHours = 24

/** Minutes that the token of a password reset is good for. */
export const resetMinutes = 60

type To = SecretMail['to']

/** Asks whoever reads the mailbox to confirm that they registered. */
export function verificationMail(to: To, token: string, publicUrl: string): SecretMail {
  const link = `${publicUrl}/v1/auth/email/verify#token=${token}`
  return mail(to, 'Confirm your e-mail address', [
    'Somebody, hopefully you, has registered at Campus with this address.',
    `To confirm it open this link within ${tokenHours} hours:`,
    { link },
    `Token: ${token}`,
    'If it was not you, do nothing: without the confirmation nobody can act in your name.',
  ])
}

/** Lets whoever reads the mailbox choose a new password. */
export function resetMail(to: To, token: string, publicUrl: string): SecretMail {
  const link = `${publicUrl}/v1/auth/password/reset#token=${token}`
  return mail(to, 'Choose a new password', [
    'Somebody, hopefully you, wants a new password for this address at Campus.',
    `To choose one open this link within ${resetMinutes} minutes:`,
    { link },
    `Token: ${token}`,
    'If it was not you, do nothing: your password stays as it is.',
  ])
}

/** Says, only to whoever reads the mailbox, that there is an account already. */
export function knownAddressMail(to: To): SecretMail {
  return mail(to, 'You already have an account', [
    'Somebody, hopefully you, has tried to register at Campus with this address.',
    'There is an account with it already: log in, or ask for a new password.',
    'If it was not you, do nothing: nothing has changed.',
  ])
}

type Paragraph = string | { readonly link: string }

function mail(to: To, subject: string, paragraphs: readonly Paragraph[]): SecretMail {
  const all = [`Hello ${to.name},`, ...paragraphs, 'Campus']
  const text = all.map(part => (typeof part === 'string' ? part : part.link)).join('\n\n')
  const html = all.map(part => `<p>${rendered(part)}</p>`).join('\n')
  return { to, subject, text: `${text}\n`, html: `<!doctype html>\n${html}\n` }
}

function rendered(part: Paragraph): string {
  if (typeof part === 'string') return escaped(part)
  const link = escaped(part.link)
  return `<a href="${link}">${link}</a>`
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

function escaped(text: string): string {
  return text.replaceAll(/[&<>"']/g, character => entities[character] ?? '')
}
