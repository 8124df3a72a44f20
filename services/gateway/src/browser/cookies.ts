// Cookies of the mode in which scripts never see a token. `__Host-` makes browsers refuse them from
// other hosts, other paths and plain HTTP, so nobody but this origin can set or replace them.

/** The access token: identifies every request that has no `Authorization`. */
export const accessCookie = '__Host-campus_access'
/** The refresh token: read by refresh and logout only. */
export const refreshCookie = '__Host-campus_refresh'
/** What a page repeats in `X-CSRF-Token`: scripts of this origin alone can read it. */
export const csrfCookie = '__Host-campus_csrf'

/**
 * Life of all three, seconds: that of a session. The access token expires earlier by itself, but its
 * cookie says which session a refresh belongs to.
 */
const maxAgeSeconds = 30 * 86_400

const attributes = 'Path=/; Secure; SameSite=Strict'

/** The `Set-Cookie` headers of a session that was opened or refreshed. */
export function sessionCookies(session: {
  readonly accessToken: string
  readonly refreshToken: string
  readonly csrfToken: string
}): string[] {
  const life = `${attributes}; Max-Age=${maxAgeSeconds}`
  return [
    `${accessCookie}=${session.accessToken}; ${life}; HttpOnly`,
    `${refreshCookie}=${session.refreshToken}; ${life}; HttpOnly`,
    `${csrfCookie}=${session.csrfToken}; ${life}`,
  ]
}

/** The `Set-Cookie` headers after which nothing of a session is left in the browser. */
export function endedCookies(): string[] {
  return [accessCookie, refreshCookie, csrfCookie].map(name => `${name}=; ${attributes}; Max-Age=0`)
}

/** The value of cookie `name`; two of one name are nobody's word, so they count as none. */
export function readCookie(header: string | undefined, name: string): string | undefined {
  const found = (header ?? '')
    .split(';')
    .map(pair => pair.trim())
    .filter(pair => pair.startsWith(`${name}=`))
  const [only] = found
  const value = found.length === 1 ? only?.slice(name.length + 1) : undefined
  // What our cookies hold: a JWT, a random token. Anything else could end a header.
  return value !== undefined && /^[\w.~+/=-]+$/.test(value) ? value : undefined
}
