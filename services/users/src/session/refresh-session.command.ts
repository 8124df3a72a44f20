import type { Tx } from '@campus/platform/data/postgres'
import { fail } from '@campus/platform/errors'
import { newId } from '@campus/platform/new-id'
import { mayLogIn } from '../account/account.ts'
import { refuse } from '../errors.ts'
import { hashOf } from '../vault.ts'
import type { Opened, SessionDeps } from './open-session.command.ts'
import {
  endSession,
  insertToken,
  isTokenUsed,
  lockByToken,
  tellReuse,
  useToken,
} from './session.store.ts'
import { decideRefresh } from './session.ts'

/**
 * Exchanges a refresh token for its successor; see session.ts for what a repeated token means.
 *
 * @throws AppError `users.refresh_invalid`, the same for an unknown, an expired and a stolen token
 */
export async function refreshSession(deps: SessionDeps, token: string): Promise<Opened> {
  const opened = await deps.postgres.transaction(tx => exchange(tx, deps, token))
  // Thrown after the commit: the end of a stolen family must not be rolled back.
  return opened ?? fail(refuse.refresh_invalid())
}

async function exchange(
  tx: Tx,
  { clock, vault, accounts }: SessionDeps,
  token: string,
): Promise<Opened | undefined> {
  const locked = await lockByToken(tx, hashOf(token))
  if (locked === undefined) return undefined
  const { session } = locked
  const { successorId } = locked.token
  const isSuccessorUsed = successorId !== null && (await isTokenUsed(tx, successorId))
  const now = clock.now()
  const decision = decideRefresh(session, locked.token, isSuccessorUsed, now)
  if (decision.kind === 'over') return undefined
  if (decision.kind === 'reuse') {
    await tellReuse(tx, session)
    await endSession(tx, session.sid, 'reuse', now)
    return undefined
  }
  const account = await accounts.holdAccount(tx, session.userId)
  if (account === undefined || !mayLogIn(account)) return undefined
  const nextId = decision.kind === 'repeat' ? decision.successorId : newId()
  const refreshToken = vault.refreshToken(nextId)
  if (decision.kind === 'rotate') {
    await useToken(tx, locked.token, nextId, now)
    await insertToken(tx, { id: nextId, sid: session.sid, hash: hashOf(refreshToken) }, now)
  }
  return { account, sid: session.sid, refreshToken }
}
