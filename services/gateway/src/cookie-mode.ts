import { AppError } from '@campus/platform/errors'
import type { FastifyRequest } from '@campus/platform/http/server'
import { accessCookie, readCookie } from './browser/cookies.ts'
import { isOwnPage } from './browser/origins.ts'
import type { Csrf } from './csrf.ts'
import { refuseSession } from './errors.ts'

/** What tells a change by our own pages from one that another site causes. */
export interface CookieMode {
  readonly csrf: Csrf
  /** Origins whose pages may change something: the gateway's own, and those of CORS_ORIGINS. */
  readonly origins: ReadonlySet<string>
}

/** The access token in the cookies of `request`. */
export function accessTokenOf({ headers }: FastifyRequest): string | undefined {
  return readCookie(headers.cookie, accessCookie)
}

/**
 * Demands that a page of ours made `request`.
 *
 * @throws AppError `auth.csrf_failed` 403
 */
export function demandOwnPage({ headers }: FastifyRequest, { origins }: CookieMode): void {
  if (!isOwnPage(headers, origins)) throw new AppError([refuseSession.csrf_failed()])
}

/**
 * Demands that a page of ours made `request` and could read a cookie of the session of `token`.
 *
 * @throws AppError `auth.csrf_failed` 403
 */
export function demandOwnChange(request: FastifyRequest, token: string, mode: CookieMode): void {
  demandOwnPage(request, mode)
  if (!mode.csrf.isRight(request.headers['x-csrf-token'], token)) {
    throw new AppError([refuseSession.csrf_failed()])
  }
}
