import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { Client, escapeIdentifier, escapeLiteral } from 'pg'
import { sqlState } from './postgres.ts'

/** Owns every table. Nobody logs in as it: the migrator takes it on for each migration. */
const owner = 'campus_owner'

/** Repairs: reads what the event runtime has stored, writes what it may be asked, sees no business. */
const operator = 'campus_operator'

/** Checks: sees the views of the schemas `<service>_audit`, which hold no personal data. */
const auditor = 'campus_audit'

/**
 * What the operator may do with the tables of the event runtime. An insert into the outbox publishes
 * again what the archive holds.
 */
const operatorRights: Readonly<Record<string, string>> = {
  outbox: 'select, insert',
  outbox_archive: 'select',
  outbox_lane: 'select',
  relay_replica: 'select',
  aggregate_version: 'select',
  inbox: 'select',
  seen_version: 'select, insert, update',
  parked_key: 'select, update, delete',
  parked_event: 'select, update',
  effect: 'select, update',
  consumer_state: 'select, update',
  consumer_assignment: 'select',
  solo_attempt: 'select',
}

/**
 * Creates what a service needs before its first migration: its schema, and a login role that may
 * read and write rows there, change no table, and see no other schema; also the empty schema of its
 * audit views. Repeating it is harmless; the password is set each time, which is how it is rotated.
 *
 * @returns the connection address for the service itself
 */
export async function provisionService(options: {
  /** Address of a role that may create roles and schemas. */
  readonly adminUrl: string
  readonly service: string
  readonly password: string
}): Promise<string> {
  const { adminUrl, service, password } = options
  const login = `campus_${service}`
  const schema = escapeIdentifier(service)
  const views = escapeIdentifier(`${service}_audit`)
  await withClient(adminUrl, async client => {
    await untilUncontended(async () => {
      await client.query(`do $$ begin
        if not exists (select from pg_roles where rolname = '${owner}') then create role ${owner}; end if;
        if not exists (select from pg_roles where rolname = '${operator}') then create role ${operator}; end if;
        if not exists (select from pg_roles where rolname = '${auditor}') then create role ${auditor}; end if;
        if not exists (select from pg_roles where rolname = '${login}') then create role ${login} login; end if;
      end $$`)
      await client.query(`alter role ${login} password ${escapeLiteral(password)}`)
      await client.query(`alter role ${login} set search_path = ${schema}, extensions`)
      // Compiling a statement takes longer than any of ours runs.
      await client.query(`alter role ${login} set jit = off`)
      await client.query(`grant ${owner} to current_user`)
    })
    await untilUncontended(async () => {
      await client.query(`revoke all on schema public from public;
        create schema if not exists extensions;
        grant usage on schema extensions to public;
        create extension if not exists btree_gist schema extensions;
        create extension if not exists pg_trgm schema extensions;
        create schema if not exists ${schema} authorization ${owner};
        grant usage on schema ${schema} to ${login};
        alter default privileges for role ${owner} in schema ${schema}
          grant select, insert, update, delete on tables to ${login};
        alter default privileges for role ${owner} in schema ${schema}
          grant usage, select on sequences to ${login};
        grant usage on schema ${schema} to ${operator};
        create schema if not exists ${views} authorization ${owner};
        grant usage on schema ${views} to ${auditor};
        alter default privileges for role ${owner} in schema ${views}
          grant select on tables to ${auditor}`)
    })
  })
  return addressOf(adminUrl, login, password)
}

/**
 * Lets the two roles of operators log in. What they may see is granted by {@link provisionService}
 * and {@link migrate}, service by service. Repeating it sets the passwords again.
 *
 * @returns the connection addresses of `campus_operator` and `campus_audit`
 */
export async function provisionOperators(options: {
  /** Address of a role that may change roles. */
  readonly adminUrl: string
  readonly operatorPassword: string
  readonly auditPassword: string
}): Promise<{ readonly operatorUrl: string; readonly auditUrl: string }> {
  const { adminUrl, operatorPassword, auditPassword } = options
  await withClient(adminUrl, client =>
    untilUncontended(async () => {
      await client.query(`do $$ begin
        if not exists (select from pg_roles where rolname = '${operator}') then create role ${operator}; end if;
        if not exists (select from pg_roles where rolname = '${auditor}') then create role ${auditor}; end if;
      end $$`)
      await client.query(`alter role ${operator} login password ${escapeLiteral(operatorPassword)}`)
      await client.query(`alter role ${auditor} login password ${escapeLiteral(auditPassword)}`)
      await client.query(`alter role ${auditor} set default_transaction_read_only = on`)
    }),
  )
  return {
    operatorUrl: addressOf(adminUrl, operator, operatorPassword),
    auditUrl: addressOf(adminUrl, auditor, auditPassword),
  }
}

function addressOf(adminUrl: string, role: string, password: string): string {
  const url = new URL(adminUrl)
  url.username = role
  url.password = password
  return url.href
}

/**
 * Runs the numbered SQL files that a service's schema has not seen, each in a transaction of its
 * own, as the owner role. Safe when two replicas start at once: a lock lets one do the work.
 *
 * @returns the names of the files that ran now, e.g. `orders/0001_init.sql`
 * @throws when a file that already ran has changed since: migrations are immutable
 */
export async function migrate(options: {
  readonly adminUrl: string
  readonly service: string
  /** Folders of migrations, in the order in which they run. */
  readonly directories: readonly string[]
}): Promise<string[]> {
  const { adminUrl, service, directories } = options
  const schema = escapeIdentifier(service)
  return withClient(adminUrl, async client => {
    await client.query("select pg_advisory_lock(hashtext('campus.migrate.' || $1))", [service])
    await client.query(`set role ${owner}; set search_path = ${schema}, extensions; set lock_timeout = '10s';
      create table if not exists migration (
        name text primary key, sha256 text not null, applied_at timestamptz not null default now())`)
    const { rows } = await client.query<{ name: string; sha256: string }>(
      'select name, sha256 from migration',
    )
    const applied = new Map(rows.map(row => [row.name, row.sha256]))
    const ran: string[] = []
    for (const { name, text } of directories.flatMap(readMigrations)) {
      const sha256 = createHash('sha256').update(text).digest('hex')
      const before = applied.get(name)
      if (before === sha256) continue
      if (before !== undefined) {
        throw new Error(`${name} has changed since it ran. Write a new migration instead.`)
      }
      // One after the other, in the order of their numbers.
      await runMigration(client, { name, text, sha256 })
      ran.push(name)
    }
    await grantToOperator(client, service)
    return ran
  })
}

/** Each time, because a migration may have added a table of the runtime. */
async function grantToOperator(client: Client, service: string): Promise<void> {
  const { rows } = await client.query<{ name: string }>(
    `select c.relname as name from pg_class c where relnamespace = $1::regnamespace
      and exists (select from pg_roles where rolname = $2) and relname = any($3)`,
    [escapeIdentifier(service), operator, [...Object.keys(operatorRights), 'outbox_seq_seq']],
  )
  for (const { name } of rows) {
    const rights = operatorRights[name]
    await client.query(
      rights === undefined
        ? `grant usage on sequence ${name} to ${operator}`
        : `grant ${rights} on ${name} to ${operator}`,
    )
  }
}

function readMigrations(directory: string): { name: string; text: string }[] {
  return readdirSync(directory)
    .filter(file => /^\d{4}_[a-z0-9_]+\.sql$/.test(file))
    .toSorted()
    .map(file => ({
      name: `${basename(dirname(directory))}/${file}`,
      text: readFileSync(join(directory, file), 'utf8'),
    }))
}

async function runMigration(
  client: Client,
  { name, text, sha256 }: { name: string; text: string; sha256: string },
): Promise<void> {
  await client.query('begin')
  try {
    await client.query(text)
    await client.query('insert into migration (name, sha256) values ($1, $2)', [name, sha256])
    await client.query('commit')
  } catch (error) {
    await client.query('rollback').catch(() => undefined)
    throw new Error(`Migration ${name} failed: ${String(error)}`, { cause: error })
  }
}

async function withClient<T>(url: string, work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 5_000 })
  client.on('error', () => undefined)
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}

/** Roles are shared by all databases of a cluster, and Postgres refuses concurrent changes of one. */
const contended = new Set(['XX000', '23505', '42710', '42P06'])

async function untilUncontended(work: () => Promise<void>): Promise<void> {
  for (let attempts = 1; ; attempts += 1) {
    try {
      return await work()
    } catch (error) {
      if (attempts >= 20 || !contended.has(sqlState(error) ?? '')) throw error
      await delay(Math.random() * 100)
    }
  }
}
