import { setTimeout as delay } from 'node:timers/promises'
import type { Test } from 'tap'
import { auditMesh } from '../../tools/prove/audit-mesh.ts'
import type { Mesh } from '../../tools/prove/mesh.ts'
import type { Person } from '../../tools/prove/people.ts'
import { persist } from '../../tools/prove/persist.ts'
import { purchase } from '../../tools/prove/purchase.ts'
import type { Article } from '../../tools/prove/shop.ts'

const victims = ['orders', 'catalog', 'payments', 'kafka', 'notifications', 'users', 'gateway']

/**
 * `kill -9` of every service and of the broker, in the middle of running checkouts, five or more by each
 * buyer, loses and doubles nothing.
 */
export async function kills(
  t: Test,
  mesh: Mesh,
  buyers: readonly Person[],
  { article, units }: { readonly article: Article; readonly units: number },
): Promise<void> {
  const { client } = mesh

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
  t.ok(all.length >= buyers.length * 5, `${all.length} checkouts`)
  t.equal(count('confirmed'), units, 'every unit was sold, none twice')
  t.equal(count('confirmed') + count('cancelled'), all.length, 'every order has ended')
  const orders = new Set(all.map(({ orderId }) => orderId))
  t.equal(orders.size, all.length, 'every acknowledged order is one order')
  // The mesh is whole again before it is audited.
  await persist(() => client.ask('GET', '/version'))
  t.same(await auditMesh(mesh), [])
}
