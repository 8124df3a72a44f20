/** One reason why a request is refused: what a client reads in `reasons` of a problem document. */
export interface Reason {
  /** `<service>.<reason>` in snake case. Public API: add freely, never rename. */
  readonly code: string
  /** HTTP status, 400 to 599. Decisions choose a reason; the catalogue chose its status. */
  readonly status: number
  /** Constant per code: no ids, no amounts, no names. */
  readonly message: string
  /** What varies, e.g. `{ available: 2 }`. Never personal data. */
  readonly details?: Readonly<Record<string, unknown>>
}

/** One input that does not fit its schema. */
export interface InputError {
  /** JSON pointer as a fragment, e.g. `#/items/0/quantity`; `#/query/limit` outside the body. */
  readonly pointer: string
  /** The rule that is broken: a JSON schema keyword or a short word of ours. */
  readonly code: string
  readonly message?: string
}

/** What an error adds to its answer beside the reasons. */
export interface ErrorOptions {
  /** Response headers, lower case, e.g. `retry-after`. */
  readonly headers?: Readonly<Record<string, string>>
  /** Members added to the problem document, e.g. `errors` or `current`. */
  readonly extra?: Readonly<Record<string, unknown>>
  readonly cause?: unknown
}

/**
 * A refusal that the caller may see. Anything else that is thrown is a bug and answers 500.
 *
 * The first reason decides `code` and `status`; the server renders all of them.
 */
export class AppError extends Error {
  override readonly name = 'AppError'
  readonly reasons: readonly Reason[]
  readonly code: string
  readonly status: number
  readonly headers: Readonly<Record<string, string>> | undefined
  readonly extra: Readonly<Record<string, unknown>> | undefined

  constructor(reasons: readonly Reason[], options: ErrorOptions = {}) {
    const [first] = reasons
    if (first === undefined) throw new TypeError('An AppError has at least one reason.')
    super(`${first.code}: ${first.message}`, { cause: options.cause })
    this.reasons = reasons
    this.code = first.code
    this.status = first.status
    this.headers = options.headers
    this.extra = options.extra
  }
}

/** The refusals of one service: reason in snake case → status and constant message. */
export type Catalogue = Readonly<
  Record<string, { readonly status: number; readonly message: string }>
>

/** A factory of reasons per entry of a catalogue. */
export type Refusals<C extends Catalogue> = {
  readonly [K in keyof C]: (details?: Readonly<Record<string, unknown>>) => Reason
}

/**
 * Turns a catalogue into typed factories: `refuse.cart_empty()` has the code `orders.cart_empty`.
 *
 * Calling every factory without details lists the whole catalogue, which is how docs are generated.
 */
export function defineErrors<const C extends Catalogue>(
  service: string,
  catalogue: C,
): Refusals<C> {
  const factories = Object.entries(catalogue).map(([name, { status, message }]) => {
    const reason: Reason = Object.freeze({ code: `${service}.${name}`, status, message })
    return [
      name,
      (details?: Readonly<Record<string, unknown>>) =>
        details === undefined ? reason : { ...reason, details },
    ] as const
  })
  // Object.fromEntries forgets the keys; they are exactly those of the catalogue.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  return Object.freeze(Object.fromEntries(factories)) as Refusals<C>
}

/**
 * Refuses with every reason that holds, so that a caller learns all of them at once.
 *
 * @throws AppError when the list is not empty
 */
export function refuseAll(reasons: readonly Reason[]): void {
  if (reasons.length > 0) throw new AppError(reasons)
}

/**
 * Refuses with one reason.
 *
 * @throws AppError always
 */
export function fail(reason: Reason, options?: ErrorOptions): never {
  throw new AppError([reason], options)
}

const request = defineErrors('request', {
  invalid: { status: 400, message: 'The request does not fit its schema.' },
  malformed: { status: 400, message: 'The request is not well-formed HTTP.' },
  cursor_invalid: { status: 400, message: 'The cursor belongs to another list, filter or user.' },
  idempotency_key_required: {
    status: 400,
    message: 'An Idempotency-Key header of 1 to 255 printable ASCII characters is required.',
  },
  not_found: { status: 404, message: 'There is nothing here, or it is not yours.' },
  method_not_allowed: { status: 405, message: 'The path exists, but not with this method.' },
  timeout: { status: 408, message: 'The request took too long to arrive.' },
  in_flight: { status: 409, message: 'A request with this Idempotency-Key is still running.' },
  version_stale: { status: 412, message: 'Somebody changed it first: see the current version.' },
  too_large: { status: 413, message: 'The body is larger than this route accepts.' },
  media_type_unsupported: {
    status: 415,
    message: 'Send application/json without a content encoding.',
  },
  expectation_failed: { status: 417, message: 'Only "Expect: 100-continue" is understood.' },
  idempotency_key_reused: {
    status: 422,
    message: 'This Idempotency-Key was used for another request.',
  },
  if_match_required: { status: 428, message: 'Send If-Match with the ETag that you have read.' },
  rate_limited: { status: 429, message: 'Too many requests: wait and try again.' },
  headers_too_large: { status: 431, message: 'The headers are larger than accepted.' },
})

const auth = defineErrors('auth', {
  token_invalid: { status: 401, message: 'A valid access token is required.' },
  role_missing: { status: 403, message: 'Your roles do not allow this.' },
})

const server = defineErrors('server', {
  failed: { status: 500, message: 'The server failed. The request id helps to find out why.' },
  overloaded: { status: 503, message: 'The server is busy: try again soon.' },
  dependency_down: { status: 503, message: 'Something this needs is down: try again soon.' },
})

/** The reasons every service shares; their codes start with `request.`, `auth.` and `server.`. */
export const chassis = {
  invalid: request.invalid,
  malformed: request.malformed,
  cursorInvalid: request.cursor_invalid,
  idempotencyKeyRequired: request.idempotency_key_required,
  /** Unknown and not yours look the same: use it for both. */
  notFound: request.not_found,
  methodNotAllowed: request.method_not_allowed,
  timeout: request.timeout,
  inFlight: request.in_flight,
  versionStale: request.version_stale,
  tooLarge: request.too_large,
  mediaTypeUnsupported: request.media_type_unsupported,
  expectationFailed: request.expectation_failed,
  idempotencyKeyReused: request.idempotency_key_reused,
  ifMatchRequired: request.if_match_required,
  rateLimited: request.rate_limited,
  headersTooLarge: request.headers_too_large,
  tokenInvalid: auth.token_invalid,
  roleMissing: auth.role_missing,
  failed: server.failed,
  overloaded: server.overloaded,
  dependencyDown: server.dependency_down,
} as const

/** An answer 400 `request.invalid` that names every wrong input. */
export function invalid(errors: readonly InputError[]): AppError {
  return new AppError([chassis.invalid()], { extra: { errors } })
}
