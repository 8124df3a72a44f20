import type { Account } from '../local/accounts.ts'
import type { SeedInput } from '../local/seed.ts'
import { createClient } from './client.ts'
import { becomeFirstAdmin, joinCampus } from './people.ts'
import { putOnSale, untilCartsKnow } from './shop.ts'

const articles = [
  { title: 'Campus mug', slug: 'campus-mug', label: 'blue', priceMinor: 1_290, units: 500 },
  { title: 'Notebook A5', slug: 'notebook-a5', label: 'dotted', priceMinor: 690, units: 1_000 },
  { title: 'Hooded sweater', slug: 'hooded-sweater', label: 'M', priceMinor: 4_490, units: 120 },
  { title: 'Canvas bag', slug: 'canvas-bag', label: 'natural', priceMinor: 1_590, units: 300 },
  { title: 'Fountain pen', slug: 'fountain-pen', label: 'fine', priceMinor: 2_350, units: 80 },
  { title: 'Desk lamp', slug: 'desk-lamp', label: 'white', priceMinor: 3_900, units: 0 },
]

/**
 * Fills an empty mesh through its API, as people would: an administrator, a student, a small shelf.
 *
 * @returns the accounts, with passwords made now
 */
export async function seed(input: SeedInput): Promise<Account[]> {
  const client = createClient(input.gatewayUrl)
  const [admin, student] = await Promise.all([
    becomeFirstAdmin(client, input.firstAdminSecret, {
      email: 'admin@campus.example',
      name: 'Ada Admin',
    }),
    joinCampus(client, input.inboxUrl, { email: 'student@campus.example', name: 'Sam Student' }),
  ])
  const { body: category } = await client.must(201, 'POST', '/v1/categories', {
    token: admin.token,
    body: { name: 'Campus shop', slug: 'campus-shop' },
  })
  const onSale = await Promise.all(
    articles.map(article =>
      putOnSale(client, admin.token, { ...article, categoryId: category.id }),
    ),
  )
  const last = onSale.at(-1)
  if (last !== undefined) await untilCartsKnow(client, last)
  return [
    { role: 'admin', email: admin.email, password: admin.password },
    { role: 'student', email: student.email, password: student.password },
  ]
}
