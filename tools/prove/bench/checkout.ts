import { createPostgres } from '@campus/platform/data/postgres'
import { sql } from 'drizzle-orm'
import type { Mesh } from '../mesh.ts'
import { joinCampus } from '../people.ts'
import { inParallel } from '../persist.ts'
import { purchase } from '../purchase.ts'
import type { Article } from '../shop.ts'
import { type Figure, quantile } from './figure.ts'

const buyersAtOnce = 40
const perBuyer = 10

/**
 * Purchases from cart to `confirmed` over the gateway, paid by card, as many buyers at once as a
 * small shop has; beside the rate at which Postgres alone commits the rows of one purchase.
 */
export async function checkoutFigures(mesh: Mesh, article: Article): Promise<Figure[]> {
  const buyers = await inParallel(
    Array.from({ length: buyersAtOnce }, (_, n) => n),
    8,
    n =>
      joinCampus(mesh.client, mesh.inboxUrl, {
        email: `bench${n}@campus.example`,
        name: `Bench ${n}`,
      }),
  )
  const limit = await committedPurchases(mesh)
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
  const times = confirmed.map(({ tookMs }) => tookMs).toSorted((a, b) => a - b)
  return [
    {
      name: `checkouts to confirmed, ${buyersAtOnce} buyers at once`,
      unit: 'orders/s',
      campus: confirmed.length / tookSeconds,
      limit: { name: 'the same rows by pg alone', value: limit },
    },
    {
      name: 'one checkout to confirmed under that load, p50',
      unit: 'ms',
      campus: quantile(times, 0.5),
    },
    {
      name: 'one checkout to confirmed under that load, p99',
      unit: 'ms',
      campus: quantile(times, 0.99),
    },
  ]
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
