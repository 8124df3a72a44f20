import type { IncomingMessage } from 'node:http'
import { v7 as uuidv7 } from 'uuid'
import { randomSlice } from '../process/random.ts'

const wellFormed = /^[A-Za-z0-9_-]{8,64}$/

/**
 * The id of a request: that of `x-request-id` when it is harmless, else a new one.
 *
 * The pattern keeps CR, LF and long texts out of headers and logs.
 */
export function requestIdOf(message: Pick<IncomingMessage, 'headers'>): string {
  return headerId(message, 'x-request-id') ?? uuidv7({ random: randomSlice(16) })
}

/** The story that a request belongs to, when its sender names a well-formed one. */
export function correlationIdOf(message: Pick<IncomingMessage, 'headers'>): string | undefined {
  return headerId(message, 'x-correlation-id')
}

function headerId({ headers }: Pick<IncomingMessage, 'headers'>, name: string): string | undefined {
  const value = headers[name]
  return typeof value === 'string' && wellFormed.test(value) ? value : undefined
}

/** One value of a header that must not be repeated. */
export function singleHeader(
  { headers }: Pick<IncomingMessage, 'headers'>,
  name: string,
): string | undefined {
  const value = headers[name]
  return typeof value === 'string' ? value : undefined
}
