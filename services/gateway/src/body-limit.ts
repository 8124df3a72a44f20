import { finished, type Readable, Transform } from 'node:stream'
import { AppError, chassis } from '@campus/platform/errors'

/** The rest of the body is not waited for: the connection ends with the answer. */
export function tooLarge(): AppError {
  return new AppError([chassis.tooLarge()], { headers: { connection: 'close' } })
}

/**
 * Passes a body of unknown length on until it is too long. Routes have smaller limits of their own,
 * which their services know; this one keeps a client from sending for ever.
 *
 * @returns a stream that fails with AppError `request.too_large` 413, or as `body` does
 */
export function limitBody(body: Readable, bytesMax: number): Readable {
  let bytes = 0
  const limited = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length
      if (bytes > bytesMax) done(tooLarge())
      else done(null, chunk)
    },
  })
  // No pipeline: it would destroy the connection, which the answer still needs.
  finished(body, error => {
    if (error) limited.destroy(error)
  })
  return body.pipe(limited)
}
