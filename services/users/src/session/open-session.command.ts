import { sessionOpened } from '@campus/contracts/events/users'
import type { SessionId, UserId } from '@campus/contracts/ids'
import type { Clock } from '@campus/platform/clock'
import type { Postgres, Tx } from '@campus/platform/data/postgres'
import { fail, refuseAll } from '@campus/platform/errors'
import { emit } from '@campus/platform/events/outbox'
import { newId } from '@campus/platform/new-id'
import { type Account, mayLogIn } from '../account/account.ts'
import { refuse } from '../errors.ts'
import type { Passwords } from '../passwords.ts'
import { hashOf, type Vault } from '../vault.ts'
import { insertSession } from './session.store.ts'
import { type SessionKind, sessionDays } from './session.ts'

/** What sessions need of accounts. */
export interface Accounts {
  findByEmail(tx: Tx, email: string): Promise<Account | undefined>
  /** Keeps the account as it is until the end of the transaction. */
  holdAccount(tx: Tx, id: UserId): Promise<Account | undefined>
  saveRehashed(tx: Tx, account: Account, better: string): Promise<void>
}

export interface SessionDeps {
  readonly postgres: Postgres
  readonly clock: Clock
  readonly vault: Vault
  readonly accounts: Accounts
}

/** A session as its client gets it. */
export interface Opened {
  readonly account: Account
  readonly sid: SessionId
  readonly refreshToken: string
}

/**
 * Opens a session for whoever knows the password. An unknown address takes as long, and is refused by
 * the same words, as a wrong password.
 *
 * @throws AppError `users.credentials_wrong`, `users.account_suspended`, `server.overloaded`
 */
export async function openSession(
  deps: SessionDeps & { readonly passwords: Passwords },
  login: {
    readonly email: string | undefined
    readonly password: string
    readonly kind: SessionKind
  },
): Promise<Opened> {
  const { postgres, passwords, accounts, clock, vault } = deps
  const { email = '', password, kind } = login
  const found = await postgres.read(tx => accounts.findByEmail(tx, email))
  const isRight = await passwords.verify(password, found?.passwordHash)
  if (found === undefined || !isRight) return fail(refuse.credentials_wrong())
  refuseAll(mayLogIn(found) ? [] : [refuse.account_suspended()])
  const better = passwords.isOutdated(found.passwordHash)
    ? await passwords.hash(password)
    : undefined

  return postgres.transaction(async tx => {
    // Held, so that a reset or a suspension at the same time ends this session too, or comes first.
    const account = await accounts.holdAccount(tx, found.id)
    if (account?.passwordHash !== found.passwordHash) return fail(refuse.credentials_wrong())
    refuseAll(mayLogIn(account) ? [] : [refuse.account_suspended()])
    const openedAt = clock.now()
    const expiresAt = new Date(openedAt.getTime() + sessionDays * 86_400_000)
    const sid = newId<SessionId>()
    const userId = account.id
    const id = newId()
    const refreshToken = vault.refreshToken(id)
    await insertSession(
      tx,
      { sid, userId, kind, state: 'live', openedAt, expiresAt },
      { id, sid, hash: hashOf(refreshToken) },
    )
    emit(tx, sessionOpened.of({ userId, sid, kind }))
    if (better !== undefined) await accounts.saveRehashed(tx, account, better)
    return { account, sid, refreshToken }
  })
}
