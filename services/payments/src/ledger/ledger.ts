import type { Line, Ref, Totals } from '@campus/contracts/events/orders'
import type { AnyId, DisputeId, RefundId } from '@campus/contracts/ids'
import { apportion } from '@campus/contracts/money'

// Double-entry ledger. Debits are positive and credits negative, so that every transaction, and with
// it the whole ledger, sums to 0 in each currency (P1). Accounts: `cash`, `unearned:order:<id>` (paid,
// not delivered), `revenue:store`, `revenue:fees`, `revenue:fines`, `payable:seller:<userId>`.

export type EntryKind = 'capture' | 'recognition' | 'refund' | 'dispute'

export interface Posting {
  readonly account: string
  /** Minor units of `currency`. */
  readonly amount: number
  readonly currency: string
}

/** One transaction of the ledger, before it is booked. */
export interface Entry {
  readonly kind: EntryKind
  /** What is booked, so that it is booked once. */
  readonly source: string
  readonly ref: Ref
  readonly postings: readonly Posting[]
}

/** The money of a captured payment: it is ours to keep, not yet earned. */
export function captureEntry(
  ref: Ref,
  captured: { readonly captureId: AnyId; readonly amount: number; readonly currency: string },
): Entry {
  const { amount, currency } = captured
  return {
    kind: 'capture',
    source: `capture:${captured.captureId}`,
    ref,
    postings: [
      { account: 'cash', amount, currency },
      { account: heldAccount(ref), amount: -amount, currency },
    ],
  }
}

/**
 * A confirmed order is earned: goods by the store, courses by their seller but for a fee of 20 %,
 * rounded to the nearest minor unit.
 *
 * @returns undefined for an order that was free
 */
export function recognitionEntry(
  ref: Ref,
  { lines, totals }: { readonly lines: readonly Line[]; readonly totals: Totals },
): Entry | undefined {
  const { amount: total, currency } = totals.total
  if (total === 0) return undefined
  const shares = new Map<string, number>()
  const add = (account: string, amount: number) =>
    shares.set(account, (shares.get(account) ?? 0) + amount)
  for (const line of lines) {
    if (line.kind !== 'course' || line.sellerId === undefined) continue
    const fee = Math.round(line.total.amount / 5)
    add('revenue:fees', fee)
    add(`payable:seller:${line.sellerId}`, line.total.amount - fee)
  }
  const shared = [...shares.values()].reduce((sum, share) => sum + share, 0)
  // Whatever belongs to no seller, shipping and tax included, is the store's.
  add('revenue:store', total - shared)
  return {
    kind: 'recognition',
    source: `recognition:${ref.type}:${ref.id}`,
    ref,
    postings: [
      { account: heldAccount(ref), amount: total, currency },
      ...[...shares].map(([account, amount]) => ({ account, amount: -amount, currency })),
    ].filter(({ amount }) => amount !== 0),
  }
}

/** What takes money of a payment away again. */
export type Reversal =
  | { readonly kind: 'refund'; readonly id: RefundId }
  | { readonly kind: 'dispute'; readonly id: DisputeId }

/**
 * Money that goes back undoes what was booked for its Ref, in the same proportion: each account gives
 * its share of what it holds, rounded so that the shares sum up (largest remainder). All that is left
 * of the cash leaves every account at 0.
 *
 * @throws RangeError when more goes back than there is
 */
export function reversalEntry(
  ref: Ref,
  { kind, id }: Reversal,
  amount: number,
  balances: readonly Posting[],
): Entry {
  const held = balances.filter(posting => posting.amount !== 0)
  const cash = held.find(({ account }) => account === 'cash')
  if (cash === undefined || amount > cash.amount) throw new RangeError('There is not so much cash.')
  const { currency } = cash
  const others = held.filter(posting => posting !== cash)
  const shares = apportion(
    amount,
    others.map(posting => -posting.amount),
  )
  return {
    kind,
    source: `${kind}:${id}`,
    ref,
    postings: [
      { account: 'cash', amount: -amount, currency },
      ...others.map(({ account }, i) => ({ account, amount: shares[i] ?? 0, currency })),
    ].filter(posting => posting.amount !== 0),
  }
}

/** Money that is not earned before its order is confirmed; a fine is earned when it is paid. */
function heldAccount({ type, id }: Ref): string {
  return type === 'order' ? `unearned:order:${id}` : 'revenue:fines'
}
