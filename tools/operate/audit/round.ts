import type { Postgres } from '@campus/platform/data/postgres'
import { sql } from 'drizzle-orm'
import { CliError } from '../../cli-error.ts'
import type { Row } from '../output.ts'
import type { Check } from './check.ts'
import { auditSchemas, eventChecks } from './event-checks.ts'
import { shopChecks } from './shop-checks.ts'

/** Every check there is. */
export const checks: readonly Check[] = [...shopChecks, ...eventChecks].toSorted(
  (a, b) => Number.parseInt(a.id.slice(1), 10) - Number.parseInt(b.id.slice(1), 10),
)

/** What one check has found. */
export interface Finding {
  readonly check: Check
  readonly violations: readonly Row[]
}

/**
 * Runs checks in one snapshot: what one of them sees of a service is what the others see too.
 *
 * @param settleSeconds instead of the settle time of each check
 * @throws CliError when no service has audit views
 */
export async function auditRound(
  postgres: Postgres,
  chosen: readonly Check[],
  settleSeconds?: number,
): Promise<readonly Finding[]> {
  return postgres.transaction(async tx => {
    await tx.execute(sql`set transaction read only`)
    if ((await auditSchemas(tx)).length === 0) {
      throw new CliError(
        'No service has audit views. Start the mesh again: its migrations make them.',
      )
    }
    const findings: Finding[] = []
    for (const check of chosen) {
      const violations = await check.find(tx, settleSeconds ?? check.settleSeconds)
      findings.push({ check, violations })
    }
    return findings
  }, 'repeatable read')
}
