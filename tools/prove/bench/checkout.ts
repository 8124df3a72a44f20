import { createPostgres } from '@campus/platform/data/postgres'
import { sql } from 'drizzle-orm'
import type { Mesh } from '../mesh.ts'
import { joinCampus, type Person } from '../people.ts'
import { inParallel } from '../persist.ts'
import { purchase } from '../purchase.ts'
import type { Article } from '../shop.ts'
import { type Figure, quantile } from './figure.ts'

/** A small shop on a usual day, and one whose sale begins. */
const crowds = [
  { buyersAtOnce: 40, perBuyer: 12 },
  { buyersAtOnce: 120, perBuyer: 5 },
]

/**
 * Purchases from cart to `confirmed` over the gateway, paid by card, by crowds of two sizes; beside the rate
 * at which Postgres alone commits the rows of one purchase.
 */
export async function checkoutFigures(mesh: Mesh, article: Article): Promise<Figure[]> {
  const most = Math.max(...crowds.map(({ buyersAtOnce }) => buyersAtOnce))
  const buyers = await inParallel(
    Array.from({ length: most }, (_, n) => n),
    8,
    n =>
      joinCampus(mesh.client, mesh.inboxUrl, {
        email: `bench${n}@campus.example`,
        name: `Bench ${n}`,
      }),
  )
  const limit = await committedPurchases(mesh)
  // Once for each, so that no process is new to what it is measured by.
  await Promise.all(buyers.map(buyer => purchase(mesh.client, buyer, article)))
  const figures: Figure[] = []
  for (const { buyersAtOnce, perBuyer } of crowds) {
    const crowd = buyers.slice(0, buyersAtOnce)
    const { perSecond, times } = await buyAll(mesh, crowd, perBuyer, article)
    figures.push(
      {
        name: `checkouts to confirmed, ${buyersAtOnce} buyers at once`,
        unit: 'orders/s',
        campus: perSecond,
        limit: { name: 'the same rows by pg alone', value: limit },
        target: { atLeast: 60 },
      },
      {
        name: `one checkout to confirmed, ${buyersAtOnce} buyers at once, p50`,
        unit: 'ms',
        campus: quantile(times, 0.5),
      },
      {
        name: `one checkout to confirmed, ${buyersAtOnce} buyers at once, p99`,
        unit: 'ms',
        campus: quantile(times, 0.99),
        target: { atMost: 2_000 },
      },
    )
  }
  return figures
}

/** @returns the times in ascending order @throws when one of the purchases was not confirmed */
async function buyAll(
  mesh: Mesh,
  buyers: readonly Person[],
  perBuyer: number,
  article: Article,
): Promise<{ readonly perSecond: number; readonly times: number[] }> {
  const startedAt = performance.now()
  const purchases = await Promise.all(
    buyers.map(async buyer => {
      const own = []
      for (let n = 0; n < perBuyer; n += 1) own.push(await purchase(mesh.client, buyer, article))
      return own
    }),
  )
  const tookSeconds = (performance.now() - startedAt) / 1_000
  const all = purchases.flat()
  const confirmed = all.filter(({ outcome }) => outcome === 'confirmed')
  if (confirmed.length !== all.length) {
    throw new Error(`Only ${confirmed.length} of ${all.length} purchases were confirmed.`)
  }
  return {
    perSecond: all.length / tookSeconds,
    times: all.map(({ tookMs }) => tookMs).toSorted((x, y) => x - y),
  }
}

/**
 * How many purchases a second Postgres could commit if nothing but its rows were written: the same
 * number of transactions and inserted rows, by pg alone, from 20 connections.
 */
async function committedPurchases(mesh: Mesh): Promise<number> {
  const postgres = createPostgres({
    url: mesh.env['DATABASE_URL'] ?? '',
    max: 20,
    applicationName: 'bench',
  })
  try {
    await postgres.read(tx =>
      tx.execute(
        sql`create unlogged table if not exists public.bench_raw (id bigserial, body jsonb)`,
      ),
    )
    await postgres.read(tx => tx.execute(sql`alter table public.bench_raw set logged`))
    let done = 0
    const until = performance.now() + 4_000
    await Promise.all(
      Array.from({ length: 20 }, async () => {
        while (performance.now() < until) {
          // Cart, order, 5 requests, 7 answers: 14 transactions of about 4 rows.
          for (let transaction = 0; transaction < 14; transaction += 1) {
            await postgres.transaction(tx =>
              tx.execute(sql`insert into public.bench_raw (body)
                select jsonb_build_object('n', n, 'text', repeat('x', 300)) from generate_series(1, 4) n`),
            )
          }
          done += 1
        }
      }),
    )
    return done / 4
  } finally {
    await postgres.read(tx => tx.execute(sql`drop table if exists public.bench_raw`))
    await postgres.close()
  }
}
