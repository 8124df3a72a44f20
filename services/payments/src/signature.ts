import { createHmac, timingSafeEqual } from 'node:crypto'

/** Headers of a signed webhook: Unix seconds, and `v1=<hex>` over `<seconds>.<body>`. */
export const timestampHeader = 'psp-timestamp'
export const signatureHeader = 'psp-signature'

/** A webhook that was signed longer ago is refused, so that a recorded one is worthless. */
const toleranceSeconds = 300

/** HMAC-SHA256 over the moment and the bytes of a webhook, as the provider sends it. */
export function signatureOf(secret: string, timestamp: string, body: string | Buffer): string {
  const hmac = createHmac('sha256', secret).update(`${timestamp}.`).update(body)
  return `v1=${hmac.digest('hex')}`
}

/** Whether `signature` is ours, in a time that does not depend on where it differs. */
export function isSigned(
  secret: string,
  timestamp: string,
  body: string | Buffer,
  signature: string,
): boolean {
  const expected = Buffer.from(signatureOf(secret, timestamp, body))
  const given = Buffer.from(signature)
  return given.length === expected.length && timingSafeEqual(given, expected)
}

/** Whether a signature of that moment is recent enough at `now`; a clock may be ahead as well. */
export function isRecent(timestamp: string, now: Date): boolean {
  if (!/^\d{1,12}$/.test(timestamp)) return false
  return Math.abs(now.getTime() / 1_000 - Number(timestamp)) <= toleranceSeconds
}
