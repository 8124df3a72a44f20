import { setTimeout as delay } from 'node:timers/promises'
import { t as file, test } from 'tap'
import { auditMesh } from '../tools/prove/audit-mesh.ts'
import { gatherCrowd } from '../tools/prove/crowd.ts'
import { startMesh } from '../tools/prove/mesh.ts'
import { persist } from '../tools/prove/persist.ts'
import { purchase } from '../tools/prove/purchase.ts'

file.setTimeout(420_000)

const victims = ['orders', 'catalog', 'payments', 'kafka', 'notifications', 'users', 'gateway']

test('kill -9 of every service and of the broker, in the middle of 200 checkouts, loses and doubles nothing', async t => {
  t.setTimeout(400_000)
  const mesh = await startMesh(t)
  const { client } = mesh
  const { article, buyers } = await gatherCrowd(mesh, { units: 150, buyers: 40 })

  // One after the other, far enough apart for each to come back while the next one falls: a member of
  // a consumer group that was killed is missed for 10 s.
  let isKilling = true
  const killed: string[] = []
  const killing = (async () => {
    for (const victim of victims) {
      await delay(2_500)
      process.kill(await mesh.pidOf(victim), 'SIGKILL')
      killed.push(victim)
    }
    isKilling = false
  })()
  // Each buyer buys at least five times, and until the last kill: all of them hit running checkouts.
  const purchases = await Promise.all(
    buyers.map(async buyer => {
      const own = []
      while (own.length < 5 || isKilling) {
        own.push(await purchase(client, buyer, article, { timeoutMs: 240_000 }))
      }
      return own
    }),
  )
  await killing

  const all = purchases.flat()
  const count = (outcome: string) => all.filter(one => one.outcome === outcome).length
  t.comment(`kills: ${killed.join(', ')}`)
  t.comment(`${count('confirmed')} confirmed, ${count('cancelled')} cancelled of ${all.length}`)
  t.ok(all.length >= 200, `${all.length} checkouts`)
  t.equal(count('confirmed'), 150, 'every unit was sold, none twice')
  t.equal(count('confirmed') + count('cancelled'), all.length, 'every order has ended')
  const orders = new Set(all.map(({ orderId }) => orderId))
  t.equal(orders.size, all.length, 'every acknowledged order is one order')
  // The mesh is whole again before it is audited.
  await persist(() => client.ask('GET', '/version'))
  t.same(await auditMesh(mesh), [])
})
