import { setTimeout as delay } from 'node:timers/promises'
import { t as file, test } from 'tap'
import { startMesh } from '../tools/prove/mesh.ts'
import { joinCampus } from '../tools/prove/people.ts'
import { inParallel, persist } from '../tools/prove/persist.ts'
import { purchase } from '../tools/prove/purchase.ts'
import { putOnSale, untilCartsKnow } from '../tools/prove/shop.ts'
import { auditMesh } from './audit.ts'

file.setTimeout(420_000)

const victims = ['orders', 'catalog', 'payments', 'kafka', 'notifications', 'users', 'gateway']

test('kill -9 of every service and of the broker, in the middle of 200 checkouts, loses and doubles nothing', async t => {
  t.setTimeout(400_000)
  const mesh = await startMesh(t)
  const { client, admin, inboxUrl } = mesh
  const article = await putOnSale(client, admin.token, {
    title: 'Campus mug',
    slug: 'campus-mug',
    priceMinor: 1_290,
    units: 150,
  })
  await untilCartsKnow(client, article)
  const buyers = await inParallel(
    Array.from({ length: 40 }, (_, n) => n),
    16,
    n => joinCampus(client, inboxUrl, { email: `buyer${n}@campus.example`, name: `Buyer ${n}` }),
  )

  let isDone = false
  const killed: string[] = []
  const killing = (async () => {
    for (let n = 0; !isDone; n += 1) {
      await delay(1_500)
      const victim = victims[n % victims.length] ?? 'orders'
      // It may be on its way up from the last time.
      const pid = await mesh.pidOf(victim).catch(() => undefined)
      if (pid === undefined || isDone) continue
      process.kill(pid, 'SIGKILL')
      killed.push(victim)
    }
  })()
  // Each buyer buys five times, one after the other: 200 checkouts, 40 at the same time.
  const purchases = await Promise.all(
    buyers.map(async buyer => {
      const own = []
      for (let n = 0; n < 5; n += 1) {
        own.push(await purchase(client, buyer, article, { timeoutMs: 120_000 }))
      }
      return own
    }),
  )
  while (new Set(killed).size < victims.length) await delay(100)
  isDone = true
  await killing

  const all = purchases.flat()
  const count = (outcome: string) => all.filter(one => one.outcome === outcome).length
  t.comment(`${killed.length} kills: ${killed.join(', ')}`)
  t.comment(`${count('confirmed')} confirmed, ${count('cancelled')} cancelled of ${all.length}`)
  t.equal(count('confirmed'), 150, 'every unit was sold, none twice')
  t.equal(count('confirmed') + count('cancelled'), 200, 'every order has ended')
  const orders = new Set(all.map(({ orderId }) => orderId))
  t.equal(orders.size, 200, 'every acknowledged order is one order')
  // The mesh is whole again before it is audited.
  await persist(() => client.ask('GET', '/version'))
  t.same(await auditMesh(mesh), [])
})
