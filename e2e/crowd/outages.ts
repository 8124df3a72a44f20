import assert from 'node:assert/strict'
import { setTimeout as delay } from 'node:timers/promises'
import { createPostgres } from '@campus/platform/data/postgres'
import { eventually } from '@campus/platform/testing/eventually'
import { sql } from 'drizzle-orm'
import type { Test } from 'tap'
import type { Mesh } from '../../tools/prove/mesh.ts'
import type { Person } from '../../tools/prove/people.ts'
import { inParallel } from '../../tools/prove/persist.ts'
import { type Article, checkout, fillCart, orderIn } from '../../tools/prove/shop.ts'

/** The mesh without its broker, and without Redis. */
export async function outages(
  t: Test,
  mesh: Mesh,
  buyers: readonly Person[],
  article: Article,
): Promise<void> {
  const { client } = mesh
  const postgres = createPostgres({
    url: mesh.env['DATABASE_URL'] ?? '',
    max: 1,
    applicationName: 'e2e',
  })
  t.teardown(() => postgres.close())
  const pending = async () => {
    const { rows } = await postgres.read(tx =>
      tx.execute<{ n: number }>(sql`select count(*) as n from orders.outbox`),
    )
    return rows[0]?.n ?? 0
  }

  await t.test(
    'Kafka frozen for 20 s: writes are accepted, the outbox grows and drains in order',
    async t => {
      const kafka = await mesh.pidOf('kafka')
      process.kill(kafka, 'SIGSTOP')
      const frozenAt = performance.now()
      const orders = await inParallel(buyers, 4, async buyer => {
        const cart = await fillCart(client, buyer.token, article, 1)
        const answer = await checkout(client, buyer.token, cart)
        await delay(500)
        return { buyer, answer }
      })
      for (const { answer } of orders) t.equal(answer.status, 202, JSON.stringify(answer.body))
      t.ok((await pending()) >= orders.length, 'every order waits in the outbox')
      await delay(Math.max(0, 20_000 - (performance.now() - frozenAt)))
      t.ok((await pending()) >= orders.length)
      process.kill(kafka, 'SIGCONT')
      await eventually(async () => assert.equal(await pending(), 0), { timeoutMs: 60_000 })
      for (const { buyer, answer } of orders) {
        await orderIn(client, buyer.token, answer.body.id, ['awaiting_payment'], 60_000)
      }
      t.pass('every order went on')
    },
  )

  await t.test(
    'Redis frozen: every route answers, and none takes longer than a second',
    async t => {
      const redis = await mesh.pidOf('valkey')
      const [buyer] = buyers
      if (buyer === undefined) throw new Error('nobody')
      process.kill(redis, 'SIGSTOP')
      try {
        const routes = [
          ['GET', '/v1/products'],
          ['GET', '/v1/products/campus-mug'],
          ['GET', '/v1/categories'],
          ['GET', '/v1/me'],
          ['GET', '/v1/me/cart'],
          ['GET', '/v1/orders'],
          ['GET', '/v1/me/notifications'],
          ['POST', '/v1/auth/login'],
        ] as const
        let slowest = 0
        for (let round = 0; round < 3; round += 1) {
          for (const [method, path] of routes) {
            const startedAt = performance.now()
            const { email, password, token } = buyer
            const options = path === '/v1/auth/login' ? { body: { email, password } } : { token }
            const { status } = await client.ask(method, path, options)
            const tookMs = performance.now() - startedAt
            slowest = Math.max(slowest, tookMs)
            t.equal(status, 200, `${method} ${path}`)
            t.ok(tookMs < 1_000, `${method} ${path} took ${Math.round(tookMs)} ms`)
          }
        }
        t.comment(`slowest answer ${Math.round(slowest)} ms`)
      } finally {
        process.kill(redis, 'SIGCONT')
      }
    },
  )
}
