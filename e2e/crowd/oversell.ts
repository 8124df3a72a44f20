import type { Test } from 'tap'
import { auditMesh } from '../../tools/prove/audit-mesh.ts'
import type { Mesh } from '../../tools/prove/mesh.ts'
import type { Person } from '../../tools/prove/people.ts'
import { purchase } from '../../tools/prove/purchase.ts'
import type { Article } from '../../tools/prove/shop.ts'

/** Everybody races for one article: exactly as many as there are units get one, and everything adds up. */
export async function oversell(
  t: Test,
  mesh: Mesh,
  buyers: readonly Person[],
  { article, units }: { readonly article: Article; readonly units: number },
): Promise<void> {
  const purchases = await Promise.all(buyers.map(buyer => purchase(mesh.client, buyer, article)))
  const outcomes = Object.groupBy(purchases, ({ outcome }) => outcome)
  t.equal(outcomes['confirmed']?.length, units)
  for (const outcome of Object.keys(outcomes)) {
    t.ok(['confirmed', 'cancelled', 'orders.variant_unavailable'].includes(outcome), outcome)
  }
  t.same(await auditMesh(mesh), [])
}
