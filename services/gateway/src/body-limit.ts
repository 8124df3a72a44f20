import { Transform } from 'node:stream'
import { AppError, chassis } from '@campus/platform/errors'

/**
 * Passes a body of unknown length on until it is too long. Routes have smaller limits of their own,
 * which their services know; this one keeps a client from sending for ever.
 *
 * @throws AppError `request.too_large` 413, as the error of the stream
 */
export function limitBody(bytesMax: number): Transform {
  let bytes = 0
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length
      if (bytes > bytesMax) done(new AppError([chassis.tooLarge()]))
      else done(null, chunk)
    },
  })
}
