// Security 50 on a whole mesh: a session in cookies, over the gateway and the real users service.
import type { Test } from 'tap'
import type { Mesh } from '../../tools/prove/mesh.ts'
import { joinCampus } from '../../tools/prove/people.ts'

/** A browser signs in, reads, changes, refreshes and signs out by cookies, and forgeries are refused. */
export async function browser(t: Test, mesh: Mesh): Promise<void> {
  const { gatewayUrl } = mesh.client
  const who = await joinCampus(mesh.client, mesh.inboxUrl, {
    email: 'browser@campus.example',
    name: 'Bo Browser',
  })
  const own = { origin: gatewayUrl, 'sec-fetch-site': 'same-origin' }
  const mode = { 'x-session-mode': 'cookie' }
  const login = await fetch(`${gatewayUrl}/v1/auth/login`, {
    method: 'POST',
    headers: { ...own, ...mode, 'content-type': 'application/json' },
    body: JSON.stringify({ email: who.email, password: who.password }),
  })
  t.equal(login.status, 200)
  const answer: { csrfToken: string; accessToken?: string } = JSON.parse(await login.text())
  t.equal(answer.accessToken, undefined, 'no token is within reach of a script')
  let cookie = cookiesOf(login)
  const call = async (method: string, path: string, headers = {}) =>
    fetch(`${gatewayUrl}${path}`, { method, headers: { ...own, cookie, ...headers } })
  t.equal((await call('GET', '/v1/me')).status, 200)

  const csrf = { 'x-csrf-token': answer.csrfToken }
  const others = '/v1/me/sessions?except=current'
  t.equal((await call('DELETE', others)).status, 403, 'without the token')
  const forged = { ...csrf, origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }
  t.equal((await call('DELETE', others, forged)).status, 403, 'from another site')
  t.equal((await call('DELETE', others, csrf)).status, 204)

  const refreshed = await call('POST', '/v1/auth/refresh', { ...csrf, ...mode })
  t.equal(refreshed.status, 200)
  cookie = cookiesOf(refreshed)
  t.equal((await call('GET', '/v1/me')).status, 200)
  const out = await call('POST', '/v1/auth/logout', csrf)
  t.equal(out.status, 204)
  t.equal(out.headers.getSetCookie().length, 3, 'every cookie is cleared')
  t.equal((await call('POST', '/v1/auth/refresh', { ...csrf, ...mode })).status, 401)
}

function cookiesOf(response: Response): string {
  return response.headers
    .getSetCookie()
    .map(cookie => cookie.split(';')[0])
    .join('; ')
}
