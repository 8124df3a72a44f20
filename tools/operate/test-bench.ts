import { topics } from '@campus/contracts/topics'
import { migrate, provisionService } from '@campus/platform/data/migrate'
import { createPostgres } from '@campus/platform/data/postgres'
import type { Cleanup } from '@campus/platform/testing/cleanup'
import { createTestDatabase } from '@campus/platform/testing/database'
import { createTestKafka } from '@campus/platform/testing/kafka'
import { sql } from 'drizzle-orm'
import { openOperation } from './operation.ts'
import { createOutput, type Row } from './output.ts'

/** One for all tests: roles belong to the server, which all test files share. */
const password = 'only-for-tests'

/**
 * A database with schemas of several services, as the roles of operators see it, and an operation
 * whose output is kept.
 */
export async function createBench(
  t: Cleanup,
  options: { readonly services: readonly string[]; readonly withKafka?: boolean },
) {
  const [first = 'orders', ...others] = options.services
  const { adminUrl } = await createTestDatabase(t, { service: first })
  for (const service of others) {
    await provisionService({ adminUrl, service, password })
    const directories = ['platform/migrations', `services/${service}/migrations`]
    await migrate({ adminUrl, service, directories })
  }
  // Not by their passwords, which belong to the server too: a mesh of another test file sets them.
  const operatorUrl = actingAs(adminUrl, 'campus_operator')
  const auditUrl = actingAs(adminUrl, 'campus_audit')
  const kafka = options.withKafka === true ? await createTestKafka(t, topics) : undefined
  const superuser = createPostgres({ url: adminUrl, max: 2, applicationName: 'test' })
  const said: string[] = []
  const warned: string[] = []
  const interrupt = new AbortController()
  const opened = openOperation(
    {
      CAMPUS_OPERATOR_DATABASE_URL: operatorUrl,
      CAMPUS_AUDIT_DATABASE_URL: auditUrl,
      KAFKA_BROKERS: kafka?.brokers ?? '',
      KAFKA_TOPIC_PREFIX: kafka?.topicPrefix ?? '',
      CAMPUS_GATEWAY_URL: '',
      CAMPUS_TOKEN: '',
      admin: undefined,
    },
    {
      output: createOutput({
        isJson: true,
        write: text => said.push(text),
        warn: text => warned.push(text),
      }),
      timeoutMs: 10_000,
      signal: interrupt.signal,
    },
  )
  t.teardown(() => Promise.all([opened.close(), superuser.close()]))
  return {
    operation: opened.operation,
    adminUrl,
    operatorUrl,
    auditUrl,
    kafka: kafka?.kafka,
    warned,
    /** Ends what goes on until Ctrl-C. */
    interrupt: () => interrupt.abort(),
    /** What was printed since the last call. */
    printed(): Row[] {
      return said.splice(0).flatMap(line => {
        const row: Row = JSON.parse(line)
        return [row]
      })
    },
    /** Runs a statement as a superuser. */
    async query(statement: string) {
      const { rows } = await superuser.read(tx => tx.execute(sql.raw(statement)))
      return rows
    },
  }
}

/** The address of a superuser who has only the rights of `role`. */
function actingAs(adminUrl: string, role: string): string {
  const url = new URL(adminUrl)
  url.searchParams.set('options', `-c role=${role}`)
  return url.href
}
