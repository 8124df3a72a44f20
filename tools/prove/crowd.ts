import type { Mesh } from './mesh.ts'
import { joinCampus, type Person } from './people.ts'
import { inParallel } from './persist.ts'
import { type Article, putOnSale, untilCartsKnow } from './shop.ts'

/** One article on sale, and people who have signed in to buy it. */
export async function gatherCrowd(
  { client, admin, inboxUrl }: Mesh,
  { units, buyers }: { readonly units: number; readonly buyers: number },
): Promise<{ article: Article; buyers: Person[] }> {
  const article = await putOnSale(client, admin.token, {
    title: 'Campus mug',
    slug: 'campus-mug',
    priceMinor: 1_290,
    units,
  })
  await untilCartsKnow(client, article)
  const numbers = Array.from({ length: buyers }, (_, n) => n)
  return {
    article,
    buyers: await inParallel(numbers, 16, n =>
      joinCampus(client, inboxUrl, { email: `buyer${n}@campus.example`, name: `Buyer ${n}` }),
    ),
  }
}
