import { userAccessRevoked } from '@campus/contracts/events/users'
import type { UserId } from '@campus/contracts/ids'
import type { Tx } from '@campus/platform/data/postgres'
import { emit } from '@campus/platform/events/outbox'
import { and, arrayContains, desc, eq, like, lt, ne, or, sql } from 'drizzle-orm'
import type { Account, AccountState, Role } from '../account/account.ts'
import { account } from '../schema.ts'

/** Which accounts are listed. */
export interface Filter {
  /** Beginning of the address or of the name. */
  readonly q?: string | undefined
  readonly role?: Role | undefined
  readonly status?: AccountState | undefined
}

/** Accounts, the newest first. */
export async function listAccounts(
  tx: Tx,
  { q, role, status }: Filter,
  after: UserId | undefined,
  max: number,
): Promise<Account[]> {
  const prefix = q === undefined ? undefined : `${escaped(q.toLowerCase())}%`
  return tx
    .select()
    .from(account)
    .where(
      and(
        prefix === undefined
          ? undefined
          : or(like(account.email, prefix), like(sql`lower(${account.name})`, prefix)),
        role === undefined ? undefined : arrayContains(account.roles, [role]),
        status === undefined ? undefined : eq(account.state, status),
        after === undefined ? undefined : lt(account.id, after),
      ),
    )
    .orderBy(desc(account.id))
    .limit(max)
}

/** Whether somebody beside `id` could still make admins. */
export async function hasOtherAdmin(tx: Tx, id: UserId): Promise<boolean> {
  const rows = await tx
    .select({ id: account.id })
    .from(account)
    .where(
      and(ne(account.id, id), eq(account.state, 'active'), arrayContains(account.roles, ['admin'])),
    )
    .limit(1)
  return rows.length > 0
}

/** Longest life of an access token and a minute, by which clocks may differ. */
const revokedMs = (600 + 60) * 1_000

/** Voids the access tokens that an account has now; a refresh gives one with its present roles. */
export async function revokeTokens(
  tx: Tx,
  userId: UserId,
  cause: 'roles_changed' | 'suspended',
  now: Date,
): Promise<void> {
  const notBeforeAt = now.toISOString()
  const untilAt = new Date(now.getTime() + revokedMs).toISOString()
  emit(tx, userAccessRevoked.of({ userId, notBeforeAt, untilAt, cause }))
}

/** Takes its meaning from what LIKE would read as a pattern. */
function escaped(text: string): string {
  return text.replaceAll(/[\\%_]/g, character => `\\${character}`)
}
