import type { UserId } from '@campus/contracts/ids'
import type { Tx } from '@campus/platform/data/postgres'
import { and, desc, eq, gt, inArray, lt, sql } from 'drizzle-orm'
import { account, emailToken } from '../schema.ts'
import type { Account, Registration } from './account.ts'

export async function findAccount(tx: Tx, id: UserId): Promise<Account | undefined> {
  const [row] = await tx.select().from(account).where(eq(account.id, id))
  return row
}

export async function findByEmail(tx: Tx, email: string): Promise<Account | undefined> {
  const [row] = await tx.select().from(account).where(eq(account.email, email))
  return row
}

/** The account, locked against changes until the end of the transaction. */
export async function lockAccount(tx: Tx, id: UserId): Promise<Account | undefined> {
  const [row] = await tx.select().from(account).where(eq(account.id, id)).for('update')
  return row
}

/** The account, which nobody changes until the end of the transaction; readers share it. */
export async function holdAccount(tx: Tx, id: UserId): Promise<Account | undefined> {
  const [row] = await tx.select().from(account).where(eq(account.id, id)).for('share')
  return row
}

/** @returns whether the account is new: false when its address is taken */
export async function insertAccount(tx: Tx, row: Account): Promise<boolean> {
  const { createdAt, roles } = row
  const verifiedAt = row.state === 'active' ? createdAt : null
  const { rowCount } = await tx
    .insert(account)
    .values({ ...row, roles: [...roles], updatedAt: createdAt, verifiedAt })
    .onConflictDoNothing({ target: account.email })
  return rowCount === 1
}

/** Saves what changed of a locked account and raises its version. */
export async function saveAccount(
  tx: Tx,
  { id, version }: Account,
  change: Partial<Omit<typeof account.$inferInsert, 'id' | 'version' | 'updatedAt'>>,
  now: Date,
): Promise<Account> {
  const [row] = await tx
    .update(account)
    .set({ ...change, version: version + 1, updatedAt: now })
    .where(eq(account.id, id))
    .returning()
  if (row === undefined) throw new Error('A locked account has disappeared.')
  return row
}

/** Replaces the hash of a password by a better one of the same password. */
export async function saveRehashed(
  tx: Tx,
  { id, passwordHash }: Pick<Account, 'id' | 'passwordHash'>,
  better: string,
): Promise<void> {
  // A password that was changed in between stays.
  await tx
    .update(account)
    .set({ passwordHash: better })
    .where(and(eq(account.id, id), eq(account.passwordHash, passwordHash)))
}

/** Serialises everything that decides by who is an admin. Until the end of the transaction. */
export async function lockAdmins(tx: Tx): Promise<void> {
  await tx.execute(sql`select pg_advisory_xact_lock(hashtext('users.admins'))`)
}

export async function hasAdmin(tx: Tx): Promise<boolean> {
  const rows = await tx
    .select({ id: account.id })
    .from(account)
    .where(sql`'admin' = any (${account.roles})`)
    .limit(1)
  return rows.length > 0
}

/** A mail's token together with the registration that it confirms. */
export interface EmailToken extends Registration {
  readonly hash: string
  readonly userId: UserId
  readonly createdAt: Date
  readonly expiresAt: Date
}

export async function insertEmailToken(tx: Tx, row: EmailToken): Promise<void> {
  await tx.insert(emailToken).values(row)
}

/** A token that is still good at `now`. */
export async function findEmailToken(
  tx: Tx,
  hash: string,
  now: Date,
): Promise<EmailToken | undefined> {
  const [row] = await tx
    .select()
    .from(emailToken)
    .where(and(eq(emailToken.hash, hash), gt(emailToken.expiresAt, now)))
  return row
}

/** The newest registration of an address that waits for its confirmation. */
export async function newestRegistration(
  tx: Tx,
  userId: UserId,
): Promise<Registration | undefined> {
  const [row] = await tx
    .select({
      name: emailToken.name,
      locale: emailToken.locale,
      passwordHash: emailToken.passwordHash,
    })
    .from(emailToken)
    .where(eq(emailToken.userId, userId))
    .orderBy(desc(emailToken.createdAt))
    .limit(1)
  return row
}

/** @returns how many expired tokens were deleted, at most `max` */
export async function deleteExpiredTokens(tx: Tx, now: Date, max: number): Promise<number> {
  const expired = tx
    .select({ hash: emailToken.hash })
    .from(emailToken)
    .where(lt(emailToken.expiresAt, now))
    .limit(max)
  const { rowCount } = await tx.delete(emailToken).where(inArray(emailToken.hash, expired))
  return rowCount ?? 0
}
