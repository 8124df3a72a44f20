import { type Static, Type } from 'typebox'
import type { AppError } from '../errors.ts'

/**
 * The body of every answer that is neither 2xx nor 3xx.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9457
 */
export const Problem = Type.Object(
  {
    type: Type.String({ description: 'URI of the documentation of this code' }),
    title: Type.String({ description: 'Constant per code' }),
    status: Type.Integer({ minimum: 400, maximum: 599 }),
    code: Type.String({ description: '<service>.<reason>; stable' }),
    instance: Type.String({ description: 'urn:request:<request id>' }),
    requestId: Type.String(),
    reasons: Type.Optional(
      Type.Array(
        Type.Object({
          code: Type.String(),
          message: Type.String(),
          details: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
        }),
        { description: 'Every reason of a refused action' },
      ),
    ),
    errors: Type.Optional(
      Type.Array(
        Type.Object({
          pointer: Type.String({ description: 'JSON pointer of the wrong input' }),
          code: Type.String(),
          message: Type.Optional(Type.String()),
        }),
        { description: 'Every wrong input' },
      ),
    ),
  },
  { description: 'RFC 9457 problem document' },
)
export type Problem = Static<typeof Problem>

/** Media type of a problem document. */
export const problemType = 'application/problem+json'

const problemContent = { content: { [problemType]: { schema: Problem } } }

/** Response schemas for the documentation: `response: { 200: View, ...problems(400, 404) }`. */
export function problems<const S extends number>(
  ...statuses: readonly S[]
): Record<S, { readonly description: string; readonly content: typeof problemContent.content }> {
  const entries = statuses.map(status => {
    return [status, { description: `Problem ${status}`, ...problemContent }] as const
  })
  // Object.fromEntries forgets the keys; they are exactly the statuses.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  return Object.fromEntries(entries) as Record<S, (typeof entries)[number][1]>
}

const chassisCode = /^(request|auth|server)\./

/** The problem document of `error` as text. */
export function renderProblem(
  error: AppError,
  context: { readonly requestId: string; readonly publicUrl: string },
): string {
  const { requestId, publicUrl } = context
  const [first] = error.reasons
  return JSON.stringify({
    type: `${publicUrl}/problems/${error.code}`,
    title: first?.message,
    status: error.status,
    code: error.code,
    instance: `urn:request:${requestId}`,
    requestId,
    // The reasons of a refused action; those of the chassis would only repeat the title.
    ...(!chassisCode.test(error.code) && {
      reasons: error.reasons.map(({ code, message, details }) => ({ code, message, details })),
    }),
    ...error.extra,
  })
}
