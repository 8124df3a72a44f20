import type { Postgres } from '@campus/platform/data/postgres'
import { defineJob } from '@campus/platform/process/jobs'
import { deleteExpiredTokens } from './account.store.ts'
import { deleteExpired } from './password-token.store.ts'

const batchMax = 1_000

/** Forgets the tokens of mails that nobody can use any more. */
export function sweepTokensJob({ postgres }: { readonly postgres: Postgres }) {
  return defineJob({
    name: 'users.sweep-tokens',
    periodMs: 600_000,
    async run({ now }) {
      const deleted = await postgres.transaction(tx => deleteExpiredTokens(tx, now, batchMax))
      const resets = await postgres.transaction(tx => deleteExpired(tx, now, batchMax))
      return deleted === batchMax || resets === batchMax
    },
  })
}
