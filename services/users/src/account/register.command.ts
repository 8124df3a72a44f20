import { userRegistered } from '@campus/contracts/events/users'
import type { UserId } from '@campus/contracts/ids'
import type { Clock } from '@campus/platform/clock'
import type { Postgres, Tx } from '@campus/platform/data/postgres'
import { emit } from '@campus/platform/events/outbox'
import { newId } from '@campus/platform/new-id'
import type { Passwords } from '../passwords.ts'
import type { EnqueueMail } from '../secret-mail.ts'
import { hashOf, newSecretToken } from '../vault.ts'
import {
  findByEmail,
  insertAccount,
  insertEmailToken,
  newestRegistration,
} from './account.store.ts'
import type { Account, Registration } from './account.ts'
import { knownAddressMail, tokenHours, verificationMail } from './mails.ts'
import { requireGoodPassword } from './password-rules.ts'
import { profileOf } from './profile.ts'

export interface RegistrationDeps {
  readonly postgres: Postgres
  readonly clock: Clock
  readonly passwords: Passwords
  readonly enqueueMail: EnqueueMail
  readonly publicUrl: string
}

/**
 * Registers an account that holds no role before its address is confirmed.
 *
 * The caller learns nothing about the address: whoever reads its mailbox gets either a token or the
 * news that there is an account. The password is hashed first and always, which is what takes time.
 *
 * An unconfirmed address may be registered again, with another password: each mail's token confirms
 * the registration that it belongs to. Otherwise a stranger who registers first would choose the
 * password of the account that the owner of the mailbox confirms.
 *
 * @throws AppError `request.invalid`, `users.password_common`, `users.password_guessable`,
 *   `server.overloaded`
 */
export async function register(
  deps: RegistrationDeps,
  person: {
    readonly email: string
    readonly password: string
    readonly name: string
    readonly locale: string
  },
): Promise<void> {
  const { postgres, clock, passwords } = deps
  const { email, password, name, locale } = person
  requireGoodPassword(password, [email, name])
  const registration = { name, locale, passwordHash: await passwords.hash(password) }
  const account: Account = {
    ...registration,
    id: newId<UserId>(),
    email,
    roles: [],
    state: 'unverified',
    version: 1,
    createdAt: clock.now(),
  }
  await postgres.transaction(async tx => {
    if (await insertAccount(tx, account)) {
      emit(tx, userRegistered.of({ userId: account.id, locale }), profileOf(account))
      await askToVerify(tx, deps, account, registration)
      return
    }
    const known = await findByEmail(tx, email)
    if (known === undefined) return
    if (known.state === 'unverified') await askToVerify(tx, deps, known, registration)
    else await tellKnown(tx, deps, known)
  })
}

/**
 * Sends the mail of the newest registration again; does nothing for an address that needs none.
 */
export async function resendVerification(deps: RegistrationDeps, email: string): Promise<void> {
  await deps.postgres.transaction(async tx => {
    const account = await findByEmail(tx, email)
    if (account?.state !== 'unverified') return
    const { name, locale, passwordHash } = account
    const newest = await newestRegistration(tx, account.id)
    await askToVerify(tx, deps, account, newest ?? { name, locale, passwordHash })
  })
}

/** Mails a token that confirms `registration`. */
export async function askToVerify(
  tx: Tx,
  { clock, enqueueMail, publicUrl }: RegistrationDeps,
  { id, email }: Account,
  registration: Registration,
): Promise<void> {
  const token = newSecretToken()
  const hash = hashOf(token)
  const createdAt = clock.now()
  const expiresAt = new Date(createdAt.getTime() + tokenHours * 3_600_000)
  await insertEmailToken(tx, { ...registration, hash, userId: id, createdAt, expiresAt })
  const to = { name: registration.name, address: email }
  enqueueMail(tx, `verify:${hash}`, verificationMail(to, token, publicUrl))
}

async function tellKnown(
  tx: Tx,
  { enqueueMail }: RegistrationDeps,
  { name, email }: Account,
): Promise<void> {
  enqueueMail(tx, `known:${newId()}`, knownAddressMail({ name, address: email }))
}
