// `npm run docs`: writes every file that is made from code: tables of settings, frozen event schemas,
// the OpenAPI document. The tests that compare them write them instead.
import { spawnSync } from 'node:child_process'
import { globSync } from 'node:fs'

const files = [
  ...globSync('services/*/src/readme.test.ts'),
  'contracts/src/events/events.test.ts',
  'e2e/api.test.ts',
]
const { status } = spawnSync(process.execPath, ['tools/repo/test.ts', ...files], {
  stdio: 'inherit',
  env: { ...process.env, CAMPUS_UPDATE: '1' },
})
process.exitCode = status ?? 1
