import { createHash, randomBytes } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Client } from 'pg'
import { migrate, provisionService } from '../data/migrate.ts'
import { createPostgres, type Postgres } from '../data/postgres.ts'
import type { Cleanup } from './cleanup.ts'

// One for all tests: roles belong to the server, which all test files share.
const password = 'only-for-tests'

/** A database of its own for one test file. */
export interface TestDatabase {
  readonly postgres: Postgres
  /** Address of the service's own login role. */
  readonly url: string
  /** Address of the superuser, in the same database. */
  readonly adminUrl: string
}

/**
 * Creates a database with the schema of `service`, exactly as in production: owner role, login role,
 * migrations. It is dropped at the end of the test.
 *
 * @param options.directories folders of migrations relative to the repository's root
 */
export async function createTestDatabase(
  t: Cleanup,
  options: {
    readonly service: string
    readonly directories?: readonly string[]
    readonly max?: number
  },
): Promise<TestDatabase> {
  const { service } = options
  const server = process.env['DATABASE_URL']
  if (server === undefined) throw new Error('Run the tests by `npm test`: it starts Postgres.')
  const directories = options.directories ?? [
    'platform/migrations',
    `services/${service}/migrations`,
  ]
  const template = await migratedTemplate(server, service, directories)
  const name = `test_${service}_${randomBytes(6).toString('hex')}`
  await run(server, `create database ${name} template ${template} strategy file_copy`)
  const admin = addressIn(server, name)
  const url = addressIn(server, name)
  url.username = `campus_${service}`
  url.password = password
  const postgres = createPostgres({
    url: url.href,
    max: options.max ?? 10,
    applicationName: 'test',
  })
  t.teardown(async () => {
    await postgres.close()
    await run(server, `drop database ${name} with (force)`)
  })
  return { postgres, url: url.href, adminUrl: admin.href }
}

/**
 * The database that all others with the same migrations are copies of: migrating once and copying takes a
 * fifth of the time. Whoever comes first makes it, under a name of its own until it is complete.
 */
async function migratedTemplate(
  server: string,
  service: string,
  directories: readonly string[],
): Promise<string> {
  // By what the migrations say: a server that outlives the run may have a template of other ones.
  const files = directories.flatMap(directory =>
    readdirSync(directory)
      .toSorted()
      .map(file => [file, readFileSync(join(directory, file), 'utf8')]),
  )
  const hash = createHash('sha256').update(JSON.stringify([service, files]))
  const name = `template_${hash.digest('hex').slice(0, 16)}`
  await withClient(server, async client => {
    await client.query('select pg_advisory_lock(hashtext($1))', [name])
    const { rowCount } = await client.query('select from pg_database where datname = $1', [name])
    if (rowCount !== 0) return
    await client.query(`drop database if exists ${name}_unfinished`)
    await client.query(`create database ${name}_unfinished`)
    const adminUrl = addressIn(server, `${name}_unfinished`).href
    await provisionService({ adminUrl, service, password })
    await migrate({ adminUrl, service, directories })
    await client.query(`alter database ${name}_unfinished rename to ${name}`)
  })
  return name
}

function addressIn(server: string, database: string): URL {
  const url = new URL(server)
  url.pathname = `/${database}`
  return url
}

async function withClient(url: string, work: (client: Client) => Promise<void>): Promise<void> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    await work(client)
  } finally {
    await client.end()
  }
}

async function run(url: string, statement: string): Promise<void> {
  await withClient(url, async client => {
    await client.query(statement)
  })
}
