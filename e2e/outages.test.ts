import assert from 'node:assert/strict'
import { setTimeout as delay } from 'node:timers/promises'
import { createPostgres } from '@campus/platform/data/postgres'
import { eventually } from '@campus/platform/testing/eventually'
import { sql } from 'drizzle-orm'
import { t as file, test } from 'tap'
import { auditMesh } from '../tools/prove/audit-mesh.ts'
import { gatherCrowd } from '../tools/prove/crowd.ts'
import { startMesh } from '../tools/prove/mesh.ts'
import { inParallel } from '../tools/prove/persist.ts'
import { checkout, fillCart, orderIn } from '../tools/prove/shop.ts'

file.setTimeout(300_000)

test('the mesh without its broker, and without Redis', async t => {
  t.setTimeout(280_000)
  const mesh = await startMesh(t)
  const { client } = mesh
  const { article, buyers } = await gatherCrowd(mesh, { units: 100, buyers: 20 })
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

  await t.test('afterwards everything adds up', async t => {
    t.same(await auditMesh(mesh), [])
  })
})
