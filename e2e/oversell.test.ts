import { t as file, test } from 'tap'
import { startMesh } from '../tools/prove/mesh.ts'
import { joinCampus } from '../tools/prove/people.ts'
import { inParallel } from '../tools/prove/persist.ts'
import { purchase } from '../tools/prove/purchase.ts'
import { putOnSale, untilCartsKnow } from '../tools/prove/shop.ts'
import { auditMesh } from './audit.ts'

file.setTimeout(300_000)

test('200 buyers race for 20 units: exactly 20 get one, and everything adds up', async t => {
  t.setTimeout(280_000)
  const mesh = await startMesh(t)
  const { client, admin, inboxUrl } = mesh
  const article = await putOnSale(client, admin.token, {
    title: 'Signed first edition',
    slug: 'signed-first-edition',
    priceMinor: 9_900,
    units: 20,
  })
  await untilCartsKnow(client, article)
  const numbers = Array.from({ length: 200 }, (_, n) => n)
  const buyers = await inParallel(numbers, 16, n =>
    joinCampus(client, inboxUrl, { email: `racer${n}@campus.example`, name: `Racer ${n}` }),
  )
  const purchases = await Promise.all(buyers.map(buyer => purchase(client, buyer, article)))
  const outcomes = Object.groupBy(purchases, ({ outcome }) => outcome)
  t.equal(outcomes['confirmed']?.length, 20)
  t.equal(purchases.length - 20, 180)
  for (const outcome of Object.keys(outcomes)) {
    t.ok(['confirmed', 'cancelled', 'orders.variant_unavailable'].includes(outcome), outcome)
  }
  t.same(await auditMesh(mesh), [])
})
