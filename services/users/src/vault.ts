import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  hkdfSync,
  randomBytes,
} from 'node:crypto'

/** What only the holder of the service's secret can read or make. */
export interface Vault {
  /** Encrypts and authenticates; equal texts give different results. */
  seal(text: string): string
  /** @throws Error when `sealed` was changed, or sealed with another secret */
  open(sealed: string): string
  /** The refresh token with this id: 256 bits that need not be stored to be answered again. */
  refreshToken(id: string): string
}

const ivBytes = 12
const tagBytes = 16
const keyBytes = 32

/** Derives one key per use, so that what one use shows says nothing about another. */
export function createVault(secret: string): Vault {
  const keyFor = (use: string) =>
    Buffer.from(hkdfSync('sha256', secret, '', `campus.users.${use}`, keyBytes))
  const sealKey = keyFor('seal')
  const refreshKey = keyFor('refresh-token')

  return {
    seal(text) {
      const iv = randomBytes(ivBytes)
      const cipher = createCipheriv('aes-256-gcm', sealKey, iv, { authTagLength: tagBytes })
      const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()])
      return Buffer.concat([iv, cipher.getAuthTag(), body]).toString('base64url')
    },
    open(sealed) {
      const bytes = Buffer.from(sealed, 'base64url')
      const iv = bytes.subarray(0, ivBytes)
      const decipher = createDecipheriv('aes-256-gcm', sealKey, iv, { authTagLength: tagBytes })
      decipher.setAuthTag(bytes.subarray(ivBytes, ivBytes + tagBytes))
      const body = decipher.update(bytes.subarray(ivBytes + tagBytes))
      return Buffer.concat([body, decipher.final()]).toString('utf8')
    },
    refreshToken: id => createHmac('sha256', refreshKey).update(id).digest('base64url'),
  }
}

/** A token of 256 random bits, as text that fits into a link. */
export function newSecretToken(): string {
  return randomBytes(32).toString('base64url')
}

/** What is stored of a token. Random tokens need no slow hash: there is nothing to guess. */
export function hashOf(token: string): string {
  return createHash('sha256').update(token).digest('hex')
}
