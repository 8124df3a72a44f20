import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'tap'
import { CliError } from '../cli-error.ts'
import { writeAccounts } from '../local/accounts.ts'
import { openHome } from '../local/home.ts'
import { claimRunFile } from '../local/run-file.ts'
import { locate } from './addresses.ts'

test('the local context is the mesh of the home, with its administrator', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'campus-operate-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const home = openHome(folder)
  const options = { home: folder, context: 'local' }
  t.throws(() => locate(options, {}), CliError, 'nothing runs there yet')
  const runFile = claimRunFile(home)
  const admin = { role: 'admin', email: 'ada@campus.example', password: 'secret' }
  writeAccounts(home, [{ ...admin, role: 'student' }, admin])
  runFile.write({
    phase: 'ready',
    endpoints: { gateway: 'http://127.0.0.1:1' },
    admin: {},
    env: { CAMPUS_OPERATOR_DATABASE_URL: 'postgres://operator', KAFKA_BROKERS: '127.0.0.1:2' },
    databases: {},
    processes: [],
  })
  t.match(locate(options, { KAFKA_BROKERS: 'another:9092', CAMPUS_TOKEN: 'mine' }), {
    CAMPUS_OPERATOR_DATABASE_URL: 'postgres://operator',
    KAFKA_BROKERS: '127.0.0.1:2',
    CAMPUS_GATEWAY_URL: 'http://127.0.0.1:1',
    CAMPUS_TOKEN: 'mine',
    admin,
  })
})

test('any other context is the environment, and never the local administrator', async t => {
  const env = { KAFKA_BROKERS: 'kafka:9092', CAMPUS_GATEWAY_URL: 'https://api.campus.example' }
  t.match(locate({ home: 'unused', context: 'production' }, env), {
    ...env,
    CAMPUS_OPERATOR_DATABASE_URL: '',
    admin: undefined,
  })
})
