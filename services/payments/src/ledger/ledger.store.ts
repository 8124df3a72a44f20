import type { Ref } from '@campus/contracts/events/orders'
import type { AnyId } from '@campus/contracts/ids'
import type { Tx } from '@campus/platform/data/postgres'
import { and, asc, eq, gt, sql } from 'drizzle-orm'
import { ledgerTransaction, posting } from '../schema.ts'
import type { Entry, Posting } from './ledger.ts'

/** Books entries, each once: one of a source that is booked has no effect. */
export async function insertEntries(
  tx: Tx,
  entries: readonly { readonly id: AnyId; readonly entry: Entry; readonly now: Date }[],
): Promise<void> {
  if (entries.length === 0) return
  const column = <T>(of: (one: (typeof entries)[number]) => T) => sql.param(entries.map(of))
  const postings = entries.flatMap(({ id, entry }) =>
    entry.postings.map((posted, index) => ({ ...posted, id, lineNo: index + 1 })),
  )
  const line = <T>(of: (posted: (typeof postings)[number]) => T) => sql.param(postings.map(of))
  await tx.execute(sql`
    with booked as (
      insert into ledger_transaction (id, kind, source, ref_type, ref_id, booked_at)
      select * from unnest(
        ${column(e => e.id)}::uuid[], ${column(e => e.entry.kind)}::text[],
        ${column(e => e.entry.source)}::text[], ${column(e => e.entry.ref.type)}::text[],
        ${column(e => e.entry.ref.id)}::uuid[], ${column(e => e.now.toISOString())}::timestamptz[])
      on conflict (source) do nothing returning id)
    insert into posting (transaction_id, line_no, account, amount, currency)
    select p.* from unnest(
      ${line(p => p.id)}::uuid[], ${line(p => p.lineNo)}::int[], ${line(p => p.account)}::text[],
      ${line(p => p.amount)}::bigint[], ${line(p => p.currency)}::text[]
    ) p(transaction_id, line_no, account, amount, currency)
    join booked on booked.id = p.transaction_id`)
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
