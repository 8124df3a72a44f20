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
 * @param report.people called once they can sign in, with passwords that only this home has
 */
export async function seed(
  input: SeedInput,
  report: { readonly say: (line: string) => void; readonly people: (all: Account[]) => void },
): Promise<void> {
  const { gatewayUrl, inboxUrl, firstAdminSecret: secret } = input
  const client = createClient(gatewayUrl)
  const enterAs = async (who: Role) => enter(client, inboxUrl, who, secret)
  const admin = await enterAdmin(client, secret)

  const [student, second, instructor] = await Promise.all([
    enterAs(cast.student),
    enterAs(cast.second),
    enterAs(cast.instructor).then(person => promote(client, admin.token, person, 'instructor')),
  ])
  report.people(
    Object.values(cast).map(who => {
      const { role, email } = who
      return { role, email, password: passwordOf(who, secret) }
    }),
  )
  const shelf = await fillShelf(client, admin.token)
  report.say(`demo data: ${shelf.size} products on sale`)

  const buyers = { student, second, instructor }
  await Promise.all(
    Object.entries(buyers).map(async ([name, buyer]) =>
      liveThrough(
        { client, adminToken: admin.token, buyer, shelf },
        stories.filter(story => story.buyer === name),
      ),
    ),
  )
  report.say(`demo data: ${stories.length} orders`)
}
