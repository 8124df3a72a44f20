import { randomBytes } from 'node:crypto'
import { Client } from 'pg'
import { migrate, provisionService } from '../data/migrate.ts'
import { createPostgres, type Postgres } from '../data/postgres.ts'
import type { Cleanup } from './cleanup.ts'

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
  const name = `test_${service}_${randomBytes(6).toString('hex')}`
  await run(server, `create database ${name}`)
  const admin = new URL(server)
  admin.pathname = `/${name}`
  const url = await provisionService({
    adminUrl: admin.href,
    service,
    // One for all tests: roles belong to the server, which all test files share.
    password: 'only-for-tests',
  })
  await migrate({
    adminUrl: admin.href,
    service,
    directories: options.directories ?? ['platform/migrations', `services/${service}/migrations`],
  })
  const postgres = createPostgres({ url, max: options.max ?? 10, applicationName: 'test' })
  t.teardown(async () => {
    await postgres.close()
    await run(server, `drop database ${name} with (force)`)
  })
  return { postgres, url, adminUrl: admin.href }
}

async function run(url: string, statement: string): Promise<void> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    await client.query(statement)
  } finally {
    await client.end()
  }
}
