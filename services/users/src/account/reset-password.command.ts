import type { Tx } from '@campus/platform/data/postgres'
import { fail } from '@campus/platform/errors'
import { refuse } from '../errors.ts'
import { hashOf, newSecretToken } from '../vault.ts'
import { findByEmail, lockAccount } from './account.store.ts'
import { type Account, mayLogIn } from './account.ts'
import { type PasswordDeps, replacePassword } from './change-password.command.ts'
import { resetMail, resetMinutes } from './mails.ts'
import { requireGoodPassword } from './password-rules.ts'
import { insertPasswordToken, ownerOfToken, takeToken } from './password-token.store.ts'
import { askToVerify, type RegistrationDeps } from './register.command.ts'

/**
 * Mails a token that lets its reader choose a new password; does nothing for an unknown address. Who
 * has not confirmed an address yet is asked to do that first.
 */
export async function forgotPassword(deps: RegistrationDeps, email: string): Promise<void> {
  await deps.postgres.transaction(async tx => {
    const account = await findByEmail(tx, email)
    if (account === undefined || !mayLogIn(account)) return
    if (account.state === 'unverified') await askToVerify(tx, deps, account, account)
    else await mailToken(tx, deps, account)
  })
}

async function mailToken(
  tx: Tx,
  { clock, enqueueMail, publicUrl }: RegistrationDeps,
  { id, name, email }: Account,
): Promise<void> {
  const token = newSecretToken()
  const hash = hashOf(token)
  const expiresAt = new Date(clock.now().getTime() + resetMinutes * 60_000)
  await insertPasswordToken(tx, { hash, userId: id, expiresAt })
  enqueueMail(tx, `reset:${hash}`, resetMail({ name, address: email }, token, publicUrl))
}

/**
 * Sets a new password by the token that was mailed, and ends every session. The token works once, and
 * a password that is refused does not use it up.
 *
 * @throws AppError `users.password_token_invalid` and those of a bad password
 */
export async function resetPassword(
  deps: PasswordDeps,
  { token, password }: { readonly token: string; readonly password: string },
): Promise<void> {
  const { postgres, clock, passwords } = deps
  const hash = hashOf(token)
  const owner = await postgres.read(tx => ownerOfToken(tx, hash, clock.now()))
  if (owner === undefined) return fail(refuse.password_token_invalid())
  requireGoodPassword(password, [owner.email, owner.name])
  const passwordHash = await passwords.hash(password)
  await postgres.transaction(async tx => {
    // Of two requests with one token one finds it.
    const isTaken = await takeToken(tx, hash, clock.now())
    const account = isTaken ? await lockAccount(tx, owner.id) : undefined
    if (account === undefined || !mayLogIn(account)) return fail(refuse.password_token_invalid())
    await replacePassword(tx, deps, account, passwordHash)
  })
}
