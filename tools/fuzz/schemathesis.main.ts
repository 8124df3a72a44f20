// `npm run test:fuzz -- [--seconds 120] [--seed 1]`: starts a mesh of its own and lets Schemathesis make
// requests from its OpenAPI document, as nobody, as a student and as an admin, each for so many seconds.
// Compares every answer with the document.
//
// Needs Python 3: the tool is installed into a temporary virtual environment and removed again.
//
// Exit code 1: a server error, an answer that the document does not know, or an operation that answered
// 2xx to nobody.
import { randomUUID } from 'node:crypto'
import { parseArgs } from 'node:util'
import { createClient } from '../prove/client.ts'
import { openBackstage } from './backstage.ts'
import { callerOf, gatherCast } from './cast.ts'
import { documentWith, operationsOf } from './document.ts'
import { conclude, describe, type Report } from './report.ts'
import { installSchemathesis, type Pass, runSchemathesis } from './schemathesis.ts'
import { openSite, type Site } from './site.ts'
import { makeWorld, type World } from './world.ts'

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '120' },
    seed: { type: 'string', default: '1' },
  },
})

/** Exists until there is an admin. */
const firstAdmin = 'POST /v1/auth/first-admin'

const site = await openSite()
try {
  await installSchemathesis(site.folder)
  process.exitCode = (await fuzz(site)) ? 0 : 1
} finally {
  await site.close()
}

/** @returns whether everything was reached and nothing found */
async function fuzz({ gatewayUrl, inboxUrl, firstAdminSecret, databases }: Site): Promise<boolean> {
  const client = createClient(gatewayUrl)
  const { body: document } = await client.must(200, 'GET', '/v1/openapi.json')
  const reports: Report[] = []

  async function look(pass: Pick<Pass, 'name' | 'phases'> & Partial<Pass>, world: Partial<World>) {
    const [seconds, seed] = [Number(values.seconds), Number(values.seed)]
    const text = documentWith(document, world)
    const report = await runSchemathesis(site, { seconds, seed, document: text, ...pass })
    process.stdout.write(describe(pass.name, report))
    reports.push(report)
  }

  const only = firstAdmin
  const founder = { email: 'ada@campus.example', password: randomUUID(), name: 'Ada' }
  const founding = (secret: string) => ({
    operations: { [only]: { body: { secret, ...founder } } },
  })
  const phases = ['coverage', 'fuzzing'] as const
  await look({ name: 'before', phases, only, seconds: 20 }, founding('a wrong one'))
  await look({ name: 'first', phases: ['examples'], only }, founding(firstAdminSecret))

  const backstage = openBackstage(databases)
  try {
    for (const role of ['anonymous', 'student', 'admin'] as const) {
      // Anew for each: whoever was here before has used up things, and tokens live for ten minutes.
      const cast = await gatherCast(client, inboxUrl, founder)
      const world = await makeWorld(client, inboxUrl, backstage, cast)
      const caller = await callerOf(role, client, cast)
      await look({ name: role, phases: ['examples', ...phases, 'stateful'], ...caller }, world)
    }
  } finally {
    await backstage.close()
  }

  const { isGood, text } = conclude(operationsOf(document), reports)
  process.stdout.write(text)
  return isGood
}
