import { t as file, test } from 'tap'
import { gatherCrowd } from '../tools/prove/crowd.ts'
import { startMesh } from '../tools/prove/mesh.ts'
import { type Article, putOnSale, untilCartsKnow } from '../tools/prove/shop.ts'
import { kills } from './crowd/kills.ts'
import { outages } from './crowd/outages.ts'
import { oversell } from './crowd/oversell.ts'

file.setTimeout(600_000)

// To gather 200 people takes longer than what is shown with them, so they are gathered once.
test('a crowd of 200 buyers, on one mesh', async t => {
  t.setTimeout(590_000)
  const mesh = await startMesh(t)
  const { article: rare, buyers } = await gatherCrowd(mesh, { units: 20, buyers: 200 })
  async function shelve(title: string, slug: string, units: number): Promise<Article> {
    const { client, admin } = mesh
    const article = await putOnSale(client, admin.token, { title, slug, priceMinor: 990, units })
    await untilCartsKnow(client, article)
    return article
  }
  const common = await shelve('Campus bag', 'campus-bag', 100)
  const wanted = await shelve('Campus lamp', 'campus-lamp', 150)

  await t.test('the mesh without its broker, and without Redis', async t => {
    await outages(t, mesh, buyers.slice(0, 20), common)
  })
  await t.test(
    'kill -9 of every service and of the broker, in the middle of 200 checkouts',
    async t => {
      await kills(t, mesh, buyers.slice(0, 40), { article: wanted, units: 150 })
    },
  )
  await t.test(
    '200 buyers race for 20 units: exactly 20 get one, and everything adds up',
    async t => {
      await oversell(t, mesh, buyers, { article: rare, units: 20 })
    },
  )
})
