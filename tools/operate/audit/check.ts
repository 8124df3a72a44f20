import type { Tx } from '@campus/platform/data/postgres'
import { type SQL, sql } from 'drizzle-orm'
import type { Row } from '../output.ts'

/** Something that must hold across services. */
export interface Check {
  /** As in the design, e.g. `I9`. */
  readonly id: string
  readonly mustHold: string
  /** What changed more recently than this many seconds is still on its way. */
  readonly settleSeconds: number
  /** @returns the violations */
  find(tx: Tx, settleSeconds: number): Promise<readonly Row[]>
}

/** A check that is one query, whose rows are the violations. */
export function queryCheck(
  check: Omit<Check, 'find'> & { readonly query: (settled: SQL) => SQL },
): Check {
  const { query, ...facts } = check
  return {
    ...facts,
    async find(tx, settleSeconds) {
      const settled = sql`(now() - make_interval(secs => ${settleSeconds}))`
      const { rows } = await tx.execute<Record<string, string | number | null>>(query(settled))
      return rows
    },
  }
}
