import type { OrderId, PriceId, ProductId, VariantId } from '@campus/contracts/ids'
import { createPostgres, type Postgres, type Tx } from '@campus/platform/data/postgres'
import { AppError } from '@campus/platform/errors'
import { newId } from '@campus/platform/new-id'
import { createTestDatabase } from '@campus/platform/testing/database'
import { faultSeconds } from '@campus/platform/testing/faults'
import {
  isLinearizable,
  type Operation,
  type SequentialModel,
} from '@campus/platform/testing/linearizability'
import { sql } from 'drizzle-orm'
import { t as file, test } from 'tap'
import { adjustStock } from './adjust-stock.command.ts'
import { type StockRequest, serveOrder } from './serve-orders.command.ts'
import { findStock } from './stock.store.ts'

// 64 clients reserve, sell, give back, correct and read the stock of three variants at the same time,
// while connections are cut in the middle of their transactions. What each of them saw must be possible
// with one client after the other. Variants are independent, so each is checked by itself.

file.setTimeout(300_000)

const clientCount = 64
const variantCount = 3
const callsEach = 2
const unitsAtStart = 12
const historyCount = faultSeconds(20, 200)
/** A connection is cut each time so many calls were answered. */
const killEvery = 24

interface Input {
  readonly kind: 'reserve' | 'commit' | 'release' | 'adjust' | 'read'
  readonly orderId: OrderId
  /** Units to reserve, or to correct the stock by. */
  readonly count: number
}

/** A variant and the orders that want it; a rejected order is answered as it was the first time. */
interface State {
  readonly onHand: number
  readonly reserved: number
  readonly orders: {
    readonly [orderId: string]: { readonly state: string; readonly count: number }
  }
}

const counter: SequentialModel<State, Input, string> = {
  initial: { onHand: unitsAtStart, reserved: 0, orders: {} },
  apply(state, input, output) {
    const { answer, next } = answered(state, input)
    // A refusal rolls back before anybody can look at the counters.
    const seen = answer === 'refused' ? answer : `${answer} ${next.onHand} ${next.reserved}`
    return output === undefined || output === seen ? next : undefined
  },
  keyOf: JSON.stringify,
  // An order belongs to one client.
  sharedKeyOf: ({ onHand, reserved }) => `${onHand} ${reserved}`,
}

function answered(state: State, { kind, orderId, count }: Input): { answer: string; next: State } {
  const { onHand, reserved, orders } = state
  const order = orders[orderId]
  const units = order?.count ?? 0
  const free = onHand - reserved
  const becomes = (to: string, change: Partial<State> = {}, wanted = units): State => ({
    ...state,
    ...change,
    orders: { ...orders, [orderId]: { state: to, count: wanted } },
  })
  switch (kind) {
    case 'read':
      return { answer: 'read', next: state }
    case 'adjust':
      return free + count < 0
        ? { answer: 'refused', next: state }
        : { answer: 'adjusted', next: { ...state, onHand: onHand + count } }
    case 'reserve':
      if (order !== undefined) {
        const isKept = order.state === 'held' || order.state === 'committed'
        const told = order.state.startsWith('rejected') ? order.state : 'rejected'
        return { answer: isKept ? 'reserved' : told, next: state }
      }
      return count <= free
        ? { answer: 'reserved', next: becomes('held', { reserved: reserved + count }, count) }
        : { answer: `rejected ${free}`, next: becomes(`rejected ${free}`) }
    case 'commit':
      if (order?.state === 'committed') return { answer: 'committed', next: state }
      return order?.state === 'held'
        ? {
            answer: 'committed',
            next: becomes('committed', { onHand: onHand - units, reserved: reserved - units }),
          }
        : { answer: 'commit_rejected', next: state }
    case 'release':
      switch (order?.state) {
        case 'held':
          return {
            answer: 'released',
            next: becomes('released', { reserved: reserved - units }),
          }
        case 'committed':
          return { answer: 'returned', next: becomes('returned', { onHand: onHand + units }) }
        case 'released':
        case 'returned':
          return { answer: order.state, next: state }
        case undefined:
          return { answer: 'nothing', next: becomes('released') }
        default:
          return { answer: 'nothing', next: state }
      }
  }
}

test(`${historyCount} histories of 64 clients are linearizable, whatever connections are cut`, async t => {
  const { url, postgres: admin } = await createTestDatabase(t, { service: 'catalog', max: 2 })
  const postgres = createPostgres({ url, max: 24, applicationName: 'clients' })
  t.teardown(() => postgres.close())
  let unknown = 0
  for (let no = 0; no < historyCount; no += 1) {
    const { histories, unknownCount } = await live(admin, postgres)
    unknown += unknownCount
    for (const history of histories) {
      if (!isLinearizable(counter, history)) {
        t.fail(`history ${no}`, { history: history.toSorted((a, b) => a.calledAt - b.calledAt) })
      }
    }
  }
  t.ok(unknown >= historyCount, `${unknown} calls had no answer`)
})

/** One life of new variants: everybody acts, connections break, and each client tells what it saw. */
async function live(admin: Postgres, postgres: Postgres) {
  const variants = await Promise.all(
    Array.from({ length: variantCount }, () => admin.transaction(offer)),
  )
  const histories = variants.map((): Operation<Input, string>[] => [])
  let answeredCount = 0
  let unknownCount = 0
  const kills: Promise<unknown>[] = []

  async function act(no: number): Promise<void> {
    const at = no % variants.length
    const variant = variants[at]
    if (variant === undefined) return
    const orderId = newId<OrderId>()
    for (const input of plan(orderId)) {
      const calledAt = performance.now()
      const output = await attempt(postgres, variant, input)
      const answeredAt = performance.now()
      if (output === undefined) unknownCount += 1
      // A read without an answer says nothing.
      if (output !== undefined || input.kind !== 'read') {
        histories[at]?.push({ input, output, calledAt, answeredAt })
      }
      answeredCount += 1
      if (answeredCount % killEvery === 0) kills.push(cut(admin))
    }
  }

  await Promise.all(Array.from({ length: clientCount }, async (_, no) => act(no)))
  await Promise.all(kills)
  return { histories, unknownCount }
}

/** What one client does: mostly with its order, in no good order and sometimes twice. */
function plan(orderId: OrderId): Input[] {
  const one = (kind: Input['kind'], count = 0): Input => ({ kind, orderId, count })
  const choices = [
    () => one('reserve', 1 + below(3)),
    () => one('reserve', 1 + below(3)),
    () => one('commit'),
    () => one('release'),
    () => one('release'),
    () => one('adjust', [-2, -1, 1, 2][below(4)] ?? 1),
    () => one('read'),
  ]
  return Array.from({ length: callsEach }, (_, i) =>
    i === 0 && below(4) > 0
      ? one('reserve', 1 + below(3))
      : (choices[below(choices.length)] ?? (() => one('read')))(),
  )
}

interface Variant {
  readonly id: VariantId
  readonly priceId: PriceId
}

/** @returns what the client was told; undefined when its connection broke */
async function attempt(
  postgres: Postgres,
  { id: variantId, priceId }: Variant,
  { kind, orderId, count }: Input,
): Promise<string | undefined> {
  const now = new Date()
  /** A request, its answer and the counters as it leaves them, which its lock keeps until the commit. */
  const asked = async (request: StockRequest) => {
    const left = await postgres.transaction(async tx => {
      await serveOrder(tx, { priceGraceSeconds: 900 }, request, now)
      return counters(tx, variantId)
    })
    // Nobody else asks for this order.
    return `${await postgres.read(tx => answerOf(tx, orderId))} ${left}`
  }
  try {
    switch (kind) {
      case 'reserve': {
        const lines = [{ lineNo: 1, variantId, priceId, quantity: count }]
        return await asked({ kind, orderId, lines, holdSeconds: 1_200 })
      }
      case 'commit':
      case 'release':
        return await asked({ kind, orderId })
      case 'adjust':
        return await postgres.transaction(async tx => {
          const same: Pick<Postgres, 'transaction'> = { transaction: work => work(tx) }
          const change = { variantId, delta: count, reason: 'count' } as const
          await adjustStock(
            { postgres: { ...postgres, ...same }, clock: { now: () => now } },
            change,
          )
          return `adjusted ${await counters(tx, variantId)}`
        })
      case 'read':
        return await postgres.read(async tx => `read ${await counters(tx, variantId)}`)
    }
  } catch (error) {
    return error instanceof AppError ? 'refused' : undefined
  }
}

async function counters(tx: Tx, variantId: VariantId): Promise<string> {
  const found = await findStock(tx, variantId)
  return `${found?.onHand} ${found?.reserved}`
}

/** The event that answers the latest request of an order. */
async function answerOf(tx: Tx, orderId: OrderId): Promise<string> {
  const { rows } = await tx.execute<{
    type: string
    payload: { outcome?: string; shortages?: { availableCount: number }[] }
  }>(sql`
    select type, payload from outbox where aggregate_key = ${`reservation:${orderId}`}
    order by seq desc limit 1`)
  const { type = '', payload = {} } = rows[0] ?? {}
  const name = type.replace(/^catalog\.stock_|\.v1$/g, '')
  if (name === 'released') return payload.outcome ?? ''
  const [shortage] = payload.shortages ?? []
  return name === 'rejected' && shortage !== undefined
    ? `rejected ${shortage.availableCount}`
    : name
}

/** Cuts one connection in the middle of a transaction, if there is one. */
async function cut(admin: Postgres): Promise<void> {
  await admin.read(tx =>
    tx.execute(sql`
      select pg_terminate_backend(pid) from pg_stat_activity
      where application_name = 'clients' and datname = current_database() and state <> 'idle'
      order by random() limit 1`),
  )
}

async function offer(tx: Tx): Promise<Variant> {
  const [id, priceId, productId] = [newId<VariantId>(), newId<PriceId>(), newId<ProductId>()]
  await tx.execute(sql`
    insert into product (id, slug, title, kind, state, created_at, updated_at)
    values (${productId}, ${productId}, 'Mug', 'physical', 'published', now(), now())`)
  await tx.execute(sql`
    insert into variant (id, product_id, sku, label, tracked)
    values (${id}, ${productId}, ${id}, 'Mug', true)`)
  await tx.execute(sql`
    insert into price (id, variant_id, amount, currency, valid_from)
    values (${priceId}, ${id}, 1290, 'EUR', now() - interval '1 day')`)
  await tx.execute(sql`
    insert into stock (variant_id, on_hand) values (${id}, ${unitsAtStart})`)
  return { id, priceId }
}

function below(max: number): number {
  return Math.floor(Math.random() * max)
}
