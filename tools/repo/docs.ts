// `npm run docs`: writes every file that is made from code: tables of settings, frozen event schemas, the
// OpenAPI and AsyncAPI documents, the catalogues in docs/ and the requests. The tests that compare them
// write them instead.
//
// `npm run docs -- --release` also renews what is promised in contracts/released: the API, and that
// migrations stay as they are.
import { spawnSync } from 'node:child_process'
import { globSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { formatJson } from './reference/json.ts'
import { migrationHashes, migrationsFile } from './reference/migrations.ts'
import { openApiFile, readOpenApi } from './reference/open-api.ts'
import { promiseOf, releasedFile } from './reference/released.ts'

const rounds = [
  [
    ...globSync('services/*/src/readme.test.ts'),
    'contracts/src/events/events.test.ts',
    'e2e/api.test.ts',
  ],
  // Made from what the first round has written. Refuses, as always, what breaks the last release.
  ['tools/repo/reference/reference.test.ts'],
]

const isDone = rounds.every(files => {
  const { status } = spawnSync(process.execPath, ['tools/repo/test.ts', ...files], {
    stdio: 'inherit',
    env: { ...process.env, CAMPUS_UPDATE: '1' },
  })
  return status === 0
})
if (isDone && process.argv.includes('--release')) {
  mkdirSync(dirname(releasedFile), { recursive: true })
  writeFileSync(releasedFile, formatJson(promiseOf(readOpenApi(openApiFile))))
  writeFileSync(migrationsFile, formatJson(migrationHashes()))
}
process.exitCode = isDone ? 0 : 1
