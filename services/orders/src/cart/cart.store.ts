import type { CartId, UserId } from '@campus/contracts/ids'
import { isAnyOf } from '@campus/platform/data/is-any-of'
import type { Tx } from '@campus/platform/data/postgres'
import { and, asc, eq, sql } from 'drizzle-orm'
import { cart, cartLine } from '../schema.ts'
import type { Cart, CartLine } from './cart.ts'

/** Who may reach a cart: its owner, or whoever holds its token. */
export interface CartKey {
  readonly userId: UserId | null
  /** sha256 of the token in hex. */
  readonly tokenHash: string | null
}

/** A cart that `key` may see, undefined when there is none or it is somebody else's. */
export async function findCart(tx: Tx, id: CartId, key: CartKey): Promise<Cart | undefined> {
  const [row] = await tx.select().from(cart).where(eq(cart.id, id))
  return row !== undefined && isReached(row, key) ? withLines(tx, row) : undefined
}

/** The same, locked until the end of the transaction. */
export async function lockCart(tx: Tx, id: CartId, key: CartKey): Promise<Cart | undefined> {
  const [row] = await tx.select().from(cart).where(eq(cart.id, id)).for('update')
  return row !== undefined && isReached(row, key) ? withLines(tx, row) : undefined
}

/** The open cart of an account, which is made when there is none. */
export async function openCartOf(
  tx: Tx,
  userId: UserId,
  fresh: { readonly id: CartId; readonly now: Date },
): Promise<Cart | undefined> {
  const key = { userId, tokenHash: null }
  const known = await findOpenCartOf(tx, userId)
  if (known !== undefined) return known
  return (await insertCart(tx, { ...fresh, ...key }))
    ? { id: fresh.id, userId, state: 'open', version: 1, coupon: null, lines: [] }
    : // Another request of the account was faster.
      findOpenCartOf(tx, userId)
}

async function findOpenCartOf(tx: Tx, userId: UserId): Promise<Cart | undefined> {
  const [row] = await tx
    .select()
    .from(cart)
    .where(and(eq(cart.userId, userId), eq(cart.state, 'open')))
  return row === undefined ? undefined : withLines(tx, row)
}

/** The open cart of an account, locked until the end of the transaction. */
export async function lockOpenCartOf(tx: Tx, userId: UserId): Promise<Cart | undefined> {
  const [row] = await tx
    .select()
    .from(cart)
    .where(and(eq(cart.userId, userId), eq(cart.state, 'open')))
    .for('update')
  return row === undefined ? undefined : withLines(tx, row)
}

/**
 * Opens a cart. An account has one open cart at a time: when it has one already this does nothing.
 *
 * @returns whether a cart was made
 */
export async function insertCart(
  tx: Tx,
  row: { readonly id: CartId; readonly now: Date } & CartKey,
): Promise<boolean> {
  const { now, ...columns } = row
  const { rowCount } = await tx
    .insert(cart)
    .values({ ...columns, state: 'open', version: 1, createdAt: now, updatedAt: now })
    .onConflictDoNothing()
  return rowCount === 1
}

/** Replaces the lines, keeps the coupon of `before` and raises the version. The caller holds the lock. */
export async function saveLines(
  tx: Tx,
  before: Cart,
  lines: readonly CartLine[],
  now: Date,
): Promise<Cart> {
  const { id, coupon } = before
  const kept = new Set(lines.map(({ variantId }) => variantId))
  const gone = before.lines.filter(({ variantId }) => !kept.has(variantId))
  if (gone.length > 0) {
    const variants = isAnyOf(
      cartLine.variantId,
      gone.map(({ variantId }) => variantId),
    )
    await tx.delete(cartLine).where(and(eq(cartLine.cartId, id), variants))
  }
  if (lines.length > 0) {
    await tx.execute(sql`
      insert into cart_line (cart_id, variant_id, quantity, position)
      select ${id}::uuid, variant_id, quantity, position - 1 from unnest(
        ${sql.param(lines.map(({ variantId }) => variantId))}::uuid[],
        ${sql.param(lines.map(({ quantity }) => quantity))}::int[]
      ) with ordinality l(variant_id, quantity, position)
      on conflict (cart_id, variant_id)
      do update set quantity = excluded.quantity, position = excluded.position`)
  }
  const version = before.version + 1
  await tx.update(cart).set({ version, coupon, updatedAt: now }).where(eq(cart.id, id))
  return { ...before, version, lines }
}

/** Puts a coupon in, or takes it out with null, and raises the version. The caller holds the lock. */
export async function saveCoupon(
  tx: Tx,
  before: Cart,
  coupon: string | null,
  now: Date,
): Promise<Cart> {
  const version = before.version + 1
  await tx.update(cart).set({ version, coupon, updatedAt: now }).where(eq(cart.id, before.id))
  return { ...before, version, coupon }
}

/** Ends a cart: it was checked out or merged into another. */
export async function closeCart(
  tx: Tx,
  { id, version }: Cart,
  state: 'checked_out' | 'merged',
  now: Date,
): Promise<void> {
  await tx
    .update(cart)
    .set({ state, version: version + 1, updatedAt: now })
    .where(eq(cart.id, id))
}

/** Makes a guest's cart an account's; the token reaches it no longer. */
export async function giveCart(
  tx: Tx,
  { id, version }: Cart,
  userId: UserId,
  now: Date,
): Promise<void> {
  await tx
    .update(cart)
    .set({ userId, tokenHash: null, version: version + 1, updatedAt: now })
    .where(eq(cart.id, id))
}

type CartRow = typeof cart.$inferSelect

function isReached(row: CartRow, { userId, tokenHash }: CartKey): boolean {
  return (
    (row.userId !== null && row.userId === userId) ||
    (row.tokenHash !== null && row.tokenHash === tokenHash)
  )
}

async function withLines(tx: Tx, row: CartRow): Promise<Cart> {
  const lines = await tx
    .select({ variantId: cartLine.variantId, quantity: cartLine.quantity })
    .from(cartLine)
    .where(eq(cartLine.cartId, row.id))
    .orderBy(asc(cartLine.position))
  return { ...toCart(row), lines }
}

function toCart({ id, userId, state, version, coupon }: CartRow): Omit<Cart, 'lines'> {
  return { id, userId, state, version, coupon }
}
