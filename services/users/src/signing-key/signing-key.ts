import { type Static, Type } from 'typebox'

/** A public key as a JWKS shows it. RFC 7517 and RFC 8037. */
export const PublicKey = Type.Object({
  kty: Type.Literal('OKP'),
  crv: Type.Literal('Ed25519'),
  x: Type.String(),
  kid: Type.String(),
  alg: Type.Literal('EdDSA'),
  use: Type.Literal('sig'),
})
export type PublicKey = Static<typeof PublicKey>

/** A key pair of access tokens. */
export interface SigningKey {
  readonly kid: string
  /** PKCS #8 in PEM, sealed. */
  readonly privateKeySealed: string
  /** SPKI in PEM. */
  readonly publicKey: string
  readonly createdAt: Date
  readonly signsFrom: Date
  /** null: no successor has been made yet. */
  readonly signsUntil: Date | null
  readonly shownUntil: Date | null
}

/** Whether verifiers should know the key: also before it signs and for a while after. */
export function isShown({ shownUntil }: SigningKey, now: Date): boolean {
  return shownUntil === null || shownUntil > now
}

/** The key that signs at `now`: of those that may, the newest. */
export function signerAt(keys: readonly SigningKey[], now: Date): SigningKey | undefined {
  return keys
    .filter(key => key.signsFrom <= now && (key.signsUntil === null || key.signsUntil > now))
    .toSorted((a, b) => b.signsFrom.getTime() - a.signsFrom.getTime())[0]
}
