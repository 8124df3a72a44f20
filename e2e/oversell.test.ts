import { t as file, test } from 'tap'
import { auditMesh } from '../tools/prove/audit-mesh.ts'
import { gatherCrowd } from '../tools/prove/crowd.ts'
import { startMesh } from '../tools/prove/mesh.ts'
import { purchase } from '../tools/prove/purchase.ts'

file.setTimeout(300_000)

test('200 buyers race for 20 units: exactly 20 get one, and everything adds up', async t => {
  t.setTimeout(280_000)
  const mesh = await startMesh(t)
  const { client } = mesh
  const { article, buyers } = await gatherCrowd(mesh, { units: 20, buyers: 200 })
  const purchases = await Promise.all(buyers.map(buyer => purchase(client, buyer, article)))
  const outcomes = Object.groupBy(purchases, ({ outcome }) => outcome)
  t.equal(outcomes['confirmed']?.length, 20)
  t.equal(purchases.length - 20, 180)
  for (const outcome of Object.keys(outcomes)) {
    t.ok(['confirmed', 'cancelled', 'orders.variant_unavailable'].includes(outcome), outcome)
  }
  t.same(await auditMesh(mesh), [])
})
