import { createPublicKey, generateKeyPairSync } from 'node:crypto'
import type { Clock } from '@campus/platform/clock'
import type { Postgres, Tx } from '@campus/platform/data/postgres'
import { createSigner, type Signer, type TokenSubject } from '@campus/platform/http/tokens'
import { newId } from '@campus/platform/new-id'
import type { Vault } from '../vault.ts'
import { insertKey, lockKeys, shownKeys } from './signing-key.store.ts'
import { isShown, type PublicKey, type SigningKey, signerAt } from './signing-key.ts'

/** The keys of access tokens: private ones never leave this process. */
export interface Keyring {
  sign(subject: TokenSubject, now: Date): Promise<string>
  /** Public keys as a JWKS has them. */
  publicKeys(): Promise<PublicKey[]>
  /** Reads the keys again; makes the first one when there is none. */
  load(): Promise<void>
}

interface KeyringDeps {
  readonly postgres: Postgres
  readonly clock: Clock
  readonly vault: Vault
}

/**
 * Creates the keyring. Keys are read when they are first needed, so that the process starts without
 * Postgres, and again by a job, so that it follows a rotation by another replica.
 */
export function createKeyring(deps: KeyringDeps): Keyring {
  const { postgres, clock, vault } = deps
  const signers = new Map<string, Promise<Signer>>()
  let keys: readonly SigningKey[] = []

  async function load(): Promise<void> {
    const now = clock.now()
    const found = await postgres.read(tx => shownKeys(tx, now))
    keys =
      signerAt(found, now) === undefined
        ? await postgres.transaction(tx => makeFirst(tx, deps))
        : found
  }

  async function currentKeys(): Promise<readonly SigningKey[]> {
    if (signerAt(keys, clock.now()) === undefined) await load()
    return keys
  }

  async function signerOf({ kid, publicKey, privateKeySealed }: SigningKey): Promise<Signer> {
    const privateKey = vault.open(privateKeySealed)
    return createSigner({ kid, publicKey, privateKey })
  }

  return {
    load,
    async sign(subject, now) {
      // By the present: the first key may be younger than the request that needed it.
      const key = signerAt(await currentKeys(), clock.now())
      if (key === undefined) throw new Error('There is no key that may sign now.')
      const signer = signers.get(key.kid) ?? signerOf(key)
      signers.set(key.kid, signer)
      return (await signer).sign(subject, now)
    },
    async publicKeys() {
      const now = clock.now()
      return (await currentKeys()).filter(key => isShown(key, now)).map(toJwk)
    },
  }
}

/** Makes a key unless another replica was faster; the lock lets one of them decide. */
async function makeFirst(tx: Tx, { clock, vault }: KeyringDeps): Promise<SigningKey[]> {
  await lockKeys(tx)
  const now = clock.now()
  const found = await shownKeys(tx, now)
  if (signerAt(found, now) !== undefined) return found
  const pair = generateKeyPairSync('ed25519')
  const key: SigningKey = {
    kid: newId(),
    privateKeySealed: vault.seal(
      pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    ),
    publicKey: pair.publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    createdAt: now,
    signsFrom: now,
    signsUntil: null,
    shownUntil: null,
  }
  await insertKey(tx, key)
  return [...found, key]
}

function toJwk({ kid, publicKey }: SigningKey): PublicKey {
  const { x = '' } = createPublicKey(publicKey).export({ format: 'jwk' })
  return { kty: 'OKP', crv: 'Ed25519', x, kid, alg: 'EdDSA', use: 'sig' }
}
