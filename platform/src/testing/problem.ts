import { Check } from 'typebox/value'
import { Problem } from '../http/problem.ts'

/** The part of a response that a problem is read from; `app.inject` and raw tests have it. */
export interface ProblemResponse {
  readonly statusCode: number
  readonly headers: Readonly<Record<string, unknown>>
  readonly body: string
}

/**
 * Reads the problem document of a response.
 *
 * @throws Error when the answer is not a problem as security.md §1 demands it of every error
 */
export function problemOf(response: ProblemResponse): Problem {
  const type = String(response.headers['content-type'])
  if (!type.startsWith('application/problem+json')) {
    throw new Error(`${response.statusCode} is ${type}, not a problem: ${response.body}`)
  }
  const body: unknown = JSON.parse(response.body)
  if (!Check(Problem, body)) throw new Error(`not a problem document: ${response.body}`)
  if (body.status !== response.statusCode) throw new Error(`wrong status in ${response.body}`)
  if (body.requestId !== response.headers['x-request-id']) {
    throw new Error(`the request id differs from the header in ${response.body}`)
  }
  return body
}
