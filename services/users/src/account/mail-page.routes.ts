import { createHash } from 'node:crypto'
import type { App } from '@campus/platform/http/server'
import { type MailPage, resetPage, verifyPage } from './mail-page.ts'

/** The pages that links of mails open. */
export function mailPageRoutes() {
  return async (app: App): Promise<void> => {
    for (const [url, page] of [
      ['/v1/auth/email/verify', verifyPage],
      ['/v1/auth/password/reset', resetPage],
    ] as const) {
      const headers = {
        'content-security-policy': policyOf(page),
        'content-type': 'text/html; charset=utf-8',
      }
      app.get(
        url,
        { config: { access: 'public' }, schema: { hide: true } },
        async (_request, reply) => reply.headers(headers).send(page.markup),
      )
    }
  }
}

function policyOf({ inline }: MailPage): string {
  const hash = (text: string) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`
  return [
    "default-src 'none'",
    `script-src ${hash(inline.script)}`,
    `style-src ${hash(inline.style)}`,
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ')
}
