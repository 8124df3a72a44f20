// An origin is compared as a whole and letter by letter: prefixes, suffixes and patterns are how
// look-alikes get in.

/**
 * The origins of a comma separated list.
 *
 * @throws TypeError for what is no origin as browsers send it, e.g. `*`, `null` or a trailing slash
 */
export function parseOrigins(text: string): ReadonlySet<string> {
  const origins = text.split(',').map(origin => origin.trim())
  const listed = origins.filter(origin => origin !== '')
  for (const origin of listed) {
    if (!isHttp.test(origin) || !URL.canParse(origin) || new URL(origin).origin !== origin) {
      throw new TypeError(
        'CORS_ORIGINS lists something else than https://host or http://host:port.',
      )
    }
  }
  return new Set(listed)
}

/** A URL may hold a star, which would only look as if it matched something. */
const isHttp = /^https?:\/\/[^*]+$/

/** What browsers say by themselves about where a request comes from; pages cannot change it. */
interface Provenance {
  readonly origin?: string | undefined
  readonly 'sec-fetch-site'?: string | string[] | undefined
}

/**
 * Whether a page of one of `origins` sent a request to its own origin.
 *
 * Browsers older than 2023 send no `Sec-Fetch-Site`, but all of them send `Origin` with a POST.
 */
export function isOwnPage(headers: Provenance, origins: ReadonlySet<string>): boolean {
  const { origin, 'sec-fetch-site': site } = headers
  const isSameSite = site === undefined || site === 'same-origin' || site === 'none'
  return isSameSite && origin !== undefined && origins.has(origin)
}
