import { createHash } from 'node:crypto'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../../local/services.ts'

/** Hashes of the migrations that somebody may have run; `npm run docs -- --release` adds the new ones. */
export const migrationsFile = join(root, 'contracts/released/migrations.json')

/** sha256 in hex of each migration, by its path. */
export function migrationHashes(): Record<string, string> {
  const files = globSync('{platform,services/*}/migrations/*.sql', { cwd: root }).toSorted()
  return Object.fromEntries(
    files.map(file => [
      file,
      createHash('sha256')
        .update(readFileSync(join(root, file)))
        .digest('hex'),
    ]),
  )
}
