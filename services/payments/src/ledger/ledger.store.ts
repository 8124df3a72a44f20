import type { Ref } from '@campus/contracts/events/orders'
import type { AnyId } from '@campus/contracts/ids'
import type { Tx } from '@campus/platform/data/postgres'
import { and, asc, eq, gt, sql } from 'drizzle-orm'
import { ledgerTransaction, posting } from '../schema.ts'
import type { Entry, Posting } from './ledger.ts'

/**
 * Books an entry once; one of the same source has no effect.
 *
 * @returns whether it was booked now
 */
export async function insertEntry(
  tx: Tx,
  id: AnyId,
  { kind, source, ref, postings }: Entry,
  now: Date,
): Promise<boolean> {
  const { rowCount } = await tx.execute(sql`
    with booked as (
      insert into ledger_transaction (id, kind, source, ref_type, ref_id, booked_at)
      values (${id}, ${kind}, ${source}, ${ref.type}, ${ref.id}, ${now.toISOString()})
      on conflict (source) do nothing returning id)
    insert into posting (transaction_id, line_no, account, amount, currency)
    select booked.id, p.line_no, p.account, p.amount, p.currency
    from booked, unnest(
      ${sql.param(postings.map(({ account }) => account))}::text[],
      ${sql.param(postings.map(({ amount }) => amount))}::bigint[],
      ${sql.param(postings.map(({ currency }) => currency))}::text[])
      with ordinality p(account, amount, currency, line_no)`)
  return (rowCount ?? 0) > 0
}

/** What each account holds because of `ref`. */
export async function balancesOf(tx: Tx, ref: Ref): Promise<Posting[]> {
  return tx
    .select(balance)
    .from(posting)
    .innerJoin(ledgerTransaction, eq(ledgerTransaction.id, posting.transactionId))
    .where(and(eq(ledgerTransaction.refType, ref.type), eq(ledgerTransaction.refId, ref.id)))
    .groupBy(posting.account, posting.currency)
    .orderBy(asc(posting.account))
}

/** Balances of single accounts, in the order of their names, from behind `after` on. */
export async function accountBalances(
  tx: Tx,
  after: readonly [string, string] | undefined,
  max: number,
): Promise<Posting[]> {
  return tx
    .select(balance)
    .from(posting)
    .where(
      after === undefined
        ? undefined
        : gt(sql`(${posting.account}, ${posting.currency})`, sql`(${after[0]}, ${after[1]})`),
    )
    .groupBy(posting.account, posting.currency)
    .orderBy(asc(posting.account), asc(posting.currency))
    .limit(max)
}

/** Sums of debits and credits of each kind of account; those of orders and sellers are one each. */
export async function trialBalance(tx: Tx) {
  const kind = sql<string>`regexp_replace(${posting.account}, '^(unearned|payable):.*$', '\\1')`
  return tx
    .select({
      account: kind,
      currency: posting.currency,
      debit: sql<number>`coalesce(sum(${posting.amount}) filter (where ${posting.amount} > 0), 0)::bigint`,
      credit: sql<number>`coalesce(-sum(${posting.amount}) filter (where ${posting.amount} < 0), 0)::bigint`,
    })
    .from(posting)
    .groupBy(kind, posting.currency)
    .orderBy(asc(kind), asc(posting.currency))
}

const balance = {
  account: posting.account,
  currency: posting.currency,
  amount: sql<number>`sum(${posting.amount})::bigint`,
}
