import { Readable } from 'node:stream'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Clock } from '../clock.ts'
import type { User } from './auth.ts'
import type { StreamLife } from './event-frames.ts'
import { requestSignal } from './prefer-wait.ts'
import { tokenSeconds } from './tokens.ts'

/** A reader that takes nothing any more has so long to read the end. */
const graceMs = 2_000

/**
 * A stream lives as long as the token that opened it, its session (`ended` is aborted when that is over),
 * its reader and the server.
 */
export function streamLife(
  request: FastifyRequest,
  reply: FastifyReply,
  {
    user,
    clock,
    ended,
  }: { readonly user: User; readonly clock: Clock; readonly ended: AbortSignal },
): StreamLife {
  const leftMs = (user.issuedAt + tokenSeconds) * 1_000 - clock.now().getTime()
  const expired = AbortSignal.timeout(Math.max(leftMs, 0))
  const over = AbortSignal.any([expired, ended, requestSignal(request, reply)])
  over.addEventListener('abort', () => {
    setTimeout(() => reply.raw.destroy(), graceMs).unref()
  })
  return {
    over,
    endReason() {
      if (expired.aborted) return 'token_expired'
      return ended.aborted ? 'session_ended' : 'server_stopping'
    },
  }
}

/** Sends a stream, piece by piece. */
export function sendStream(reply: FastifyReply, pieces: AsyncIterable<string>): FastifyReply {
  return reply
    .type('text/event-stream; charset=utf-8')
    .headers({ 'cache-control': 'no-store', 'x-accel-buffering': 'no' })
    .send(Readable.from(pieces))
}
