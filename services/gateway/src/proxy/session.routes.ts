import { text } from 'node:stream/consumers'
import { AppError, chassis, invalid } from '@campus/platform/errors'
import type { App, FastifyReply, FastifyRequest } from '@campus/platform/http/server'
import type { FastifyReplyFromHooks } from '@fastify/reply-from'
import { Type } from 'typebox'
import { Check } from 'typebox/value'
import { endedCookies, readCookie, refreshCookie, sessionCookies } from '../browser/cookies.ts'
import { sessionPaths } from '../browser/session-paths.ts'
import { accessTokenOf, type CookieMode, demandOwnChange, demandOwnPage } from '../cookie-mode.ts'
import { refuse } from '../errors.ts'
import { answer, type Reply } from './answer.ts'

// A page that sends `X-Session-Mode: cookie` gets its tokens as cookies which no script can read. The
// service behind knows nothing of that: the gateway takes the tokens out of its answers, and puts the
// refresh token into the bodies that ask for one.

/** What users answers to login and refresh; the rest of it passes as it is. */
const Opened = Type.Object({ accessToken: Type.String(), refreshToken: Type.String() })

interface Options {
  readonly mode: CookieMode | undefined
  readonly forwarding: FastifyReplyFromHooks
  /** To be called before a request is sent to users. */
  readonly enter: (reply: FastifyReply) => void
}

/** Login, refresh and logout of clients with and without cookies. */
export function sessionRoutes(app: App, { mode, forwarding, enter }: Options): void {
  function route(url: string, forward: (request: FastifyRequest, reply: FastifyReply) => void) {
    app.post(
      url,
      { schema: { hide: true }, config: { access: 'public' } },
      async (request, reply) => {
        forward(request, reply)
        return reply
      },
    )
  }

  route(sessionPaths.login, (request, reply) => {
    const cookies = wantsCookies(request, mode)
    if (cookies !== undefined) demandOwnPage(request, cookies)
    enter(reply)
    reply.from(undefined, cookies === undefined ? forwarding : keepingTokens(forwarding, cookies))
  })

  route(sessionPaths.refresh, (request, reply) => {
    const cookies = wantsCookies(request, mode)
    if (cookies === undefined) {
      enter(reply)
      reply.from(undefined, forwarding)
      return
    }
    const accessToken = accessTokenOf(request)
    const refreshToken = readCookie(request.headers.cookie, refreshCookie)
    if (accessToken === undefined || refreshToken === undefined) throw tokenInvalid()
    demandOwnChange(request, accessToken, cookies)
    enter(reply)
    reply.from(undefined, { ...keepingTokens(forwarding, cookies), body: { refreshToken } })
  })

  route(sessionPaths.logout, (request, reply) => {
    const { authorization, cookie } = request.headers
    const accessToken = accessTokenOf(request)
    if (mode === undefined || authorization !== undefined || accessToken === undefined) {
      enter(reply)
      reply.from(undefined, forwarding)
      return
    }
    demandOwnChange(request, accessToken, mode)
    enter(reply)
    const refreshToken = readCookie(cookie, refreshCookie)
    // The refresh token suffices, and the access token beside it may have expired.
    if (refreshToken === undefined) request.headers.authorization = `Bearer ${accessToken}`
    const body = refreshToken === undefined ? {} : { refreshToken }
    reply.from(undefined, { ...endingCookies(forwarding), body })
  })
}

/**
 * @throws AppError `gateway.cookies_off` 422, `request.invalid` 400 for a mode that does not exist
 */
function wantsCookies(
  { headers }: FastifyRequest,
  mode: CookieMode | undefined,
): CookieMode | undefined {
  const wanted = headers['x-session-mode']
  if (wanted === undefined) return undefined
  if (wanted !== 'cookie') throw invalid([{ pointer: '#/headers/x-session-mode', code: 'const' }])
  if (mode === undefined) throw new AppError([refuse.cookies_off()])
  return mode
}

/** Tokens in the answer become cookies; a session that is over takes its cookies along. */
function keepingTokens(
  forwarding: FastifyReplyFromHooks,
  { csrf }: CookieMode,
): FastifyReplyFromHooks {
  async function keep(reply: Reply, stream: NodeJS.ReadableStream): Promise<void> {
    try {
      const body: unknown = JSON.parse(await text(stream))
      if (!Check(Opened, body)) throw new TypeError('users answered no tokens')
      const { accessToken, refreshToken, ...rest } = body
      const csrfToken = csrf.tokenFor(accessToken)
      if (csrfToken === undefined) throw new TypeError('users answered a token without a session')
      reply.header('set-cookie', sessionCookies({ accessToken, refreshToken, csrfToken }))
      reply.removeHeader('content-length')
      // The token type is that of a header which such a client does not send.
      reply.send(JSON.stringify({ ...rest, tokenType: undefined, csrfToken }))
    } catch (cause) {
      reply.send(new AppError([refuse.upstream_down()], { cause }))
    }
  }
  return {
    ...forwarding,
    onResponse: (_request, reply, { stream }) => {
      if (reply.statusCode === 200) void keep(reply, stream)
      else {
        if (reply.statusCode === 401) reply.header('set-cookie', endedCookies())
        answer(reply, stream)
      }
    },
  }
}

/** The cookies end with the session, but stay when it could not be ended. */
function endingCookies(forwarding: FastifyReplyFromHooks): FastifyReplyFromHooks {
  return {
    ...forwarding,
    onResponse: (_request, reply, { stream }) => {
      if (reply.statusCode < 500) reply.header('set-cookie', endedCookies())
      answer(reply, stream)
    },
  }
}

function tokenInvalid(): AppError {
  return new AppError([chassis.tokenInvalid()], {
    headers: { 'www-authenticate': 'Bearer error="invalid_token"' },
  })
}
