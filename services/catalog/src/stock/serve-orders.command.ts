import { stockCommitRejected, stockReleased } from '@campus/contracts/events/catalog'
import {
  type AnyId,
  type MovementId,
  type OrderId,
  type ReservationId,
  type VariantId,
} from '@campus/contracts/ids'
import { type Tx, writeTogether } from '@campus/platform/data/postgres'
import { emit } from '@campus/platform/events/outbox'
import { newId } from '@campus/platform/new-id'
import { currentFlow, type Flow, withFlow } from '@campus/platform/process/flow'
import type { MovementReason } from './movement.ts'
import { lockReservations, saveReservations } from './reservation.store.ts'
import {
  answerOf,
  decideCommit,
  decideExpiry,
  decideRelease,
  decideReservation,
  decideRestock,
  type OrderedLine,
  type Reservation,
  type ReservationStep,
  refusalsOf,
  type Sellable,
  wantedOf,
} from './reservation.ts'
import { lockStock, sellableOf } from './stock.store.ts'
import { openStockBook } from './stock-book.ts'
import { writeStock } from './write-stock.command.ts'

/** What an order wants of the stock. All but a restock and an expiry are answered, again and again. */
export type StockRequest =
  | {
      /** Holds all lines or none. */
      readonly kind: 'reserve'
      readonly orderId: OrderId
      readonly lines: readonly OrderedLine[]
      readonly holdSeconds: number
    }
  /**
   * `commit` sells what is held. `release` gives back whatever is held or sold; after it the order can
   * never hold stock, also when it was not known before. `expire` ends a hold whose time is over.
   */
  | { readonly kind: 'commit' | 'release' | 'expire'; readonly orderId: OrderId }
  | {
      /** Takes sold units back: each cause, a refund or a return, does so once. */
      readonly kind: 'restock'
      readonly orderId: OrderId
      readonly causeId: AnyId
      /** `cancellation` of units that never left the warehouse, `return` of those that did. */
      readonly reason: Extract<MovementReason, 'cancellation' | 'return'>
      readonly units: readonly { readonly lineNo: number; readonly count: number }[]
    }

export interface ServeDeps {
  /** A price that ended is still honoured for so long. */
  readonly priceGraceSeconds: number
}

interface Asked {
  readonly request: StockRequest
  readonly now: Date
  readonly flow: Flow | undefined
}

/** Asks for stock, in the course of a transaction. */
export type AskForStock = (tx: Tx, request: StockRequest, now: Date) => void

/**
 * Makes a way to ask for stock. All that is asked for in a transaction is decided at its end, one request
 * after the other, and written together.
 */
export function createAskForStock(deps: ServeDeps): AskForStock {
  const ask = writeTogether<Asked>((tx, asked) => serve(tx, deps, asked))
  return (tx, request, now) => {
    ask(tx, { request, now, flow: currentFlow() })
  }
}

/** The same at once, e.g. for whoever looks at the stock afterwards. */
export async function serveOrder(
  tx: Tx,
  deps: ServeDeps,
  request: StockRequest,
  now: Date,
): Promise<void> {
  await serve(tx, deps, [{ request, now, flow: currentFlow() }])
}

async function serve(tx: Tx, deps: ServeDeps, asked: readonly Asked[]): Promise<void> {
  const orderIds = [...new Set(asked.map(({ request }) => request.orderId))]
  const before = await lockReservations(tx, orderIds)
  const reservations = new Map(before)
  const sellable = await sellableNow(tx, deps, asked, before)
  const book = openStockBook(await lockStock(tx, variantsOf(before, sellable)), () =>
    newId<MovementId>(),
  )
  for (const { request, now, flow } of asked) {
    const { orderId } = request
    const step = decide(request, reservations.get(orderId), sellable, book.available(), now)
    if (step.reservation !== undefined) reservations.set(orderId, step.reservation)
    const events = book.change({
      ...step,
      orderId,
      reason: reasonOf(request),
      causeId: request.kind === 'restock' ? request.causeId : null,
      actor: flow?.actor ?? 'service:catalog',
      at: now,
    })
    const told = [...events, ...(step.answer === undefined ? [] : [step.answer])]
    if (flow === undefined) emit(tx, ...told)
    else withFlow(flow, () => emit(tx, ...told))
  }
  await writeStock(tx, book)
  await saveReservations(tx, before, reservations, asked[0]?.now ?? new Date())
}

/** A request of an order that has no reservation, and is to have none, is answered all the same. */
type Decided = Omit<ReservationStep, 'reservation'> & {
  readonly reservation: Reservation | undefined
}

function decide(
  request: StockRequest,
  known: Reservation | undefined,
  sellable: ReadonlyMap<VariantId, Sellable>,
  available: ReadonlyMap<VariantId, number>,
  now: Date,
): Decided {
  const { orderId } = request
  if (request.kind === 'reserve') {
    if (known !== undefined) return { ...untouched, reservation: known, answer: answerOf(known) }
    const { lines, holdSeconds } = request
    const wanted = {
      id: newId<ReservationId>(),
      orderId,
      expiresAt: new Date(now.getTime() + holdSeconds * 1_000),
      lines: lines.map(({ lineNo, variantId, quantity }) => {
        const tracked = sellable.get(variantId)?.tracked === true
        return { lineNo, variantId, quantity, tracked, restocked: 0 }
      }),
    }
    return decideReservation(wanted, refusalsOf(lines, sellable), available)
  }
  if (known !== undefined) {
    switch (request.kind) {
      case 'commit':
        return decideCommit(known, available)
      case 'release':
        return decideRelease(known)
      case 'expire':
        return decideExpiry(known, now)
      case 'restock':
        return decideRestock(known, request.units)
    }
  }
  switch (request.kind) {
    case 'commit': {
      return { ...untouched, answer: stockCommitRejected.of({ orderId, shortages: [] }) }
    }
    case 'release': {
      const id = newId<ReservationId>()
      const never = { id, orderId, state: 'released', expiresAt: now, rejection: null } as const
      const answer = stockReleased.of({ orderId, outcome: 'nothing' })
      return { ...untouched, reservation: { ...never, lines: [] }, answer }
    }
    case 'expire':
    case 'restock':
      return untouched
  }
}

const none: ReadonlyMap<VariantId, number> = new Map()
const untouched: Decided = { reservation: undefined, reserve: none, move: none, answer: undefined }

function reasonOf(request: StockRequest): MovementReason {
  switch (request.kind) {
    case 'restock':
      return request.reason
    case 'reserve':
    case 'commit':
      return 'sale'
    case 'release':
    case 'expire':
      return 'cancellation'
  }
}

/** What may be sold of the lines that are ordered for the first time. */
async function sellableNow(
  tx: Tx,
  { priceGraceSeconds }: ServeDeps,
  asked: readonly Asked[],
  known: ReadonlyMap<OrderId, Reservation>,
): Promise<Map<VariantId, Sellable>> {
  const lines = asked.flatMap(({ request }) =>
    request.kind === 'reserve' && !known.has(request.orderId) ? request.lines : [],
  )
  const now = asked[0]?.now ?? new Date()
  return sellableOf(tx, lines, new Date(now.getTime() - priceGraceSeconds * 1_000))
}

/** Everything whose stock the requests may be about. */
function variantsOf(
  known: ReadonlyMap<OrderId, Reservation>,
  sellable: ReadonlyMap<VariantId, Sellable>,
): VariantId[] {
  const held = [...known.values()].flatMap(({ lines }) => [...wantedOf(lines).keys()])
  const ordered = [...sellable].flatMap(([variantId, { tracked }]) => (tracked ? [variantId] : []))
  return [...new Set([...held, ...ordered])]
}
