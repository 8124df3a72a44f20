import type { Account } from '../local/accounts.ts'
import type { SeedInput } from '../local/seed.ts'
import { createClient } from './client.ts'
import { cast, enter, enterAdmin, passwordOf, promote, type Role } from './seed/cast.ts'
import { fillShelf } from './seed/fill-shelf.ts'
import { liveThrough, stories } from './seed/orders.ts'

/**
 * Fills a mesh through its API, as people would: an administrator, an instructor, students, a shelf of
 * forty products, and an order in every state. What is there already is left as it is, so a seed that was
 * interrupted goes on, and one that was done does nothing.
 *
 * @returns the accounts, with passwords that only this home has
 */
export async function seed(
  input: SeedInput,
  say: (line: string) => void = line => void process.stdout.write(`${line}\n`),
): Promise<Account[]> {
  const { gatewayUrl, inboxUrl, firstAdminSecret: secret } = input
  const client = createClient(gatewayUrl)
  const enterAs = async (who: Role) => enter(client, inboxUrl, who, secret)
  const admin = await enterAdmin(client, secret)

  // Passwords are slow to hash, products are not: both at the same time.
  const [shelf, student, second, instructor] = await Promise.all([
    fillShelf(client, admin.token),
    enterAs(cast.student),
    enterAs(cast.second),
    enterAs(cast.instructor).then(person => promote(client, admin.token, person, 'instructor')),
  ])
  say(`demo data: ${Object.keys(cast).length} people, ${shelf.size} products on sale`)

  const buyers = { student, second, instructor }
  await Promise.all(
    Object.entries(buyers).map(async ([name, buyer]) =>
      liveThrough(
        { client, adminToken: admin.token, buyer, shelf },
        stories.filter(story => story.buyer === name),
      ),
    ),
  )
  say(`demo data: ${stories.length} orders`)
  return Object.values(cast).map(who => {
    const { role, email } = who
    return { role, email, password: passwordOf(who, secret) }
  })
}
