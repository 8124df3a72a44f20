import type { App } from '@campus/platform/http/server'
import { accessTokenOf, type CookieMode, demandOwnChange } from '../cookie-mode.ts'
import { readsCookiesItself } from './session-paths.ts'

const safeMethods = new Set(['GET', 'HEAD', 'OPTIONS'])

/**
 * Turns the access cookie of a request without `Authorization` into a bearer token, for this gateway
 * and for the services behind it, which know nothing of cookies.
 */
export function acceptCookies(app: App, mode: CookieMode): void {
  app.addHook('onRequest', (request, _reply, done) => {
    const { headers, method } = request
    const [path = ''] = request.url.split('?', 1)
    const token = headers.authorization === undefined ? accessTokenOf(request) : undefined
    if (token !== undefined && !readsCookiesItself(method, path)) {
      if (!safeMethods.has(method)) demandOwnChange(request, token, mode)
      headers.authorization = `Bearer ${token}`
    }
    done()
  })
}
