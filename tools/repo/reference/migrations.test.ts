import { readFileSync } from 'node:fs'
import { test } from 'tap'
import { migrationHashes, migrationsFile } from './migrations.ts'

test('a migration that was released stays as it is: databases that have run it refuse another', async t => {
  const released: Record<string, string> = JSON.parse(readFileSync(migrationsFile, 'utf8'))
  const present = migrationHashes()
  t.ok(Object.keys(released).length > 0)
  for (const [file, sha256] of Object.entries(released)) t.equal(present[file], sha256, file)
})
