// `node tools/fuzz/schemathesis.main.ts [--home <folder>] [--seconds 120] [--seed 1]`: lets Schemathesis
// make requests from the OpenAPI document of a running mesh, as nobody, as a student and as an admin, and
// compares every answer with the document.
//
// The tool is a Python package; it is installed into a temporary virtual environment and removed again.
// The mesh should be one for this purpose, started with limits that one address cannot reach:
//
//   CAMPUS_GATEWAY_ANONYMOUS_PER_MINUTE=1000000 CAMPUS_GATEWAY_SIGNED_IN_PER_MINUTE=1000000 \
//   CAMPUS_USERS_LOGIN_PER_MINUTE_ADDRESS=1000000 CAMPUS_USERS_REGISTER_PER_HOUR=1000000 \
//   node tools/campus.mjs up --home <folder> --random-ports
//
// Exit code 1: a server error, or an answer that the document does not know.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { defaultHome } from '../local/home.ts'
import { readStatus } from '../local/status.ts'
import { createClient } from '../prove/client.ts'
import { type Report, readReport } from './report.ts'

/** The version that this file was written with: later ones have renamed options before. */
const release = 'schemathesis==4.*'

const checks = [
  'not_a_server_error',
  'response_schema_conformance',
  'status_code_conformance',
  'content_type_conformance',
]

/**
 * Left out: what ends the session that the run needs or locks its account, and streams, which have no
 * end.
 */
const excluded = [
  '/v1/auth/logout',
  '/v1/me/sessions',
  '/v1/me/sessions/{sid}',
  '/v1/me/password',
  '/v1/users/{userId}/roles',
  '/v1/users/{userId}/suspend',
]

const { values } = parseArgs({
  options: {
    home: { type: 'string', default: defaultHome },
    seconds: { type: 'string', default: '120' },
    seed: { type: 'string', default: '1' },
  },
})

const { ready, endpoints, accounts } = await readStatus(values.home)
const { gateway } = endpoints
if (!ready || gateway === undefined) {
  process.stderr.write('Campus is not running. Start it with "campus up", then try again.\n')
  process.exitCode = 1
} else {
  const folder = mkdtempSync(join(tmpdir(), 'campus-fuzz-'))
  try {
    process.exitCode = await fuzz(gateway, folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function fuzz(gatewayUrl: string, folder: string): Promise<number> {
  const program = install(folder)
  const callers = new Map<string, string | undefined>([['anonymous', undefined]])
  for (const role of ['student', 'admin']) callers.set(role, await tokenOf(gatewayUrl, role))
  const document = await downloadDocument(gatewayUrl, folder)
  let failed = 0
  for (const [role, token] of callers) {
    const report = await run(program, gatewayUrl, { role, token, folder, document })
    process.stdout.write(describe(role, report))
    if (report.failures.length > 0 || report.cases === 0) failed += 1
  }
  return failed === 0 ? 0 : 1
}

/** @returns the program, in a virtual environment of its own */
function install(folder: string): string {
  const venv = join(folder, 'venv')
  must('python3', ['-m', 'venv', venv])
  must(join(venv, 'bin/python'), ['-m', 'pip', 'install', '--quiet', release])
  return join(venv, 'bin/schemathesis')
}

function must(command: string, args: readonly string[]): void {
  const { status, stderr, error } = spawnSync(command, args, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${error?.message ?? stderr}`)
}

async function tokenOf(gatewayUrl: string, role: string): Promise<string> {
  const account = accounts.find(one => one.role === role)
  if (account === undefined) throw new Error(`The mesh has no demo account of the role ${role}.`)
  const { email, password } = account
  const { body } = await createClient(gatewayUrl).must(200, 'POST', '/v1/auth/login', {
    body: { email, password },
  })
  return body.accessToken
}

/** Python has no names for classes of characters: this one is written out. */
async function downloadDocument(gatewayUrl: string, folder: string): Promise<string> {
  const { body } = await createClient(gatewayUrl).must(200, 'GET', '/v1/openapi.json')
  const text = JSON.stringify(body).replaceAll('\\\\p{Cc}', '\\\\x00-\\\\x1f\\\\x7f-\\\\x9f')
  const file = join(folder, 'openapi.json')
  writeFileSync(file, text)
  return file
}

async function run(
  program: string,
  gatewayUrl: string,
  caller: {
    readonly role: string
    readonly token: string | undefined
    readonly folder: string
    readonly document: string
  },
): Promise<Report> {
  const { role, token, folder, document } = caller
  const file = join(folder, `${role}.ndjson`)
  const { stdout, stderr } = spawnSync(
    program,
    [
      'run',
      document,
      `--url=${gatewayUrl}`,
      `--checks=${checks.join(',')}`,
      '--phases=examples,coverage,fuzzing',
      `--max-time=${values.seconds}`,
      `--seed=${values.seed}`,
      '--max-failures=100',
      '--continue-on-failure',
      '--no-color',
      `--report-ndjson-path=${file}`,
      ...excluded.map(path => `--exclude-path=${path}`),
      '--exclude-path-regex=/stream$',
      ...(token === undefined ? [] : ['--header', `Authorization: Bearer ${token}`]),
    ],
    { encoding: 'utf8', maxBuffer: 1 << 28 },
  )
  if (!existsSync(file)) throw new Error(`Schemathesis did not run as ${role}:\n${stdout}${stderr}`)
  return readReport(file)
}

function describe(role: string, { cases, reached, asked, failures }: Report): string {
  const errors = failures.filter(({ check }) => check === 'not_a_server_error')
  return [
    `${role}: ${cases} requests; ${reached.size} of ${asked.size} operations answered 2xx at least ` +
      `once; ${errors.length} server errors, ${failures.length - errors.length} violations`,
    ...failures.map(({ check, operation, status, text }) => {
      return `  ${check}  ${operation}  ${status}  ${text}`
    }),
    '',
  ].join('\n')
}
