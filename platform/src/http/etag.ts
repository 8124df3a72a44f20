import type { FastifyRequest } from 'fastify'
import { AppError, chassis } from '../errors.ts'

/** The strong entity tag of a version. */
export function etagOf(version: number): string {
  return `"${version}"`
}

/**
 * Lets a change pass only when the client has read the version that it changes.
 *
 * @param currentView what the client should have read; it is the `current` member of the refusal
 * @throws AppError `request.if_match_required` 428 without `If-Match`, `request.version_stale` 412 for
 *   another version
 * @see https://www.rfc-editor.org/rfc/rfc9110#section-13.1.1
 */
export function requireIfMatch(
  request: FastifyRequest,
  version: number,
  currentView: unknown,
): void {
  const header = request.headers['if-match']
  if (header === undefined) throw new AppError([chassis.ifMatchRequired()])
  const etag = etagOf(version)
  // Weak tags never match here: the comparison is a strong one.
  if (header.split(',').some(tag => ['*', etag].includes(tag.trim()))) return
  throw new AppError([chassis.versionStale()], {
    headers: { etag },
    extra: { current: currentView },
  })
}
