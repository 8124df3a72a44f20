// `npm run test:fuzz -- [--home <folder>] [--seconds 120] [--seed 1]`: lets Schemathesis
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
import { randomUUID } from 'node:crypto'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { defaultHome } from '../local/home.ts'
import { readStatus } from '../local/status.ts'
import { type Client, createClient } from '../prove/client.ts'
import { joinCampus } from '../prove/people.ts'
import { documentWith } from './document.ts'
import { type Report, readReport } from './report.ts'
import { makeWorld } from './world.ts'

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
const { gateway, inbox } = endpoints
if (!ready || gateway === undefined || inbox === undefined) {
  process.stderr.write('Campus is not running. Start it with "campus up", then try again.\n')
  process.exitCode = 1
} else {
  const folder = mkdtempSync(join(tmpdir(), 'campus-fuzz-'))
  try {
    process.exitCode = await fuzz(gateway, inbox, folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function fuzz(gatewayUrl: string, inboxUrl: string, folder: string): Promise<number> {
  const program = install(folder)
  const client = createClient(gatewayUrl)
  const asked = new Map<string, number[]>()
  const reached = new Set<string>()
  const newPerson = (name: string) =>
    joinCampus(client, inboxUrl, { email: `${name}-${randomUUID()}@campus.example`, name })
  let failed = 0
  for (const role of ['anonymous', 'student', 'admin']) {
    // Anew for each: whoever was here before has used up things and limits, and tokens live for ten minutes.
    const [admin, student, other, forgetful] = await Promise.all([
      signIn(client, 'admin'),
      newPerson('student'),
      newPerson('other'),
      newPerson('forgetful'),
    ])
    const world = await makeWorld(client, inboxUrl, { admin, student, other, forgetful })
    const { body } = await client.must(200, 'GET', '/v1/openapi.json')
    const document = join(folder, `${role}.json`)
    writeFileSync(document, documentWith(body, world))
    const token = role === 'anonymous' ? undefined : { student, admin }[role]?.token
    const report = await run(program, gatewayUrl, { role, token, folder, document })
    process.stdout.write(describe(role, report))
    for (const [operation, statuses] of report.asked) {
      asked.set(operation, [...(asked.get(operation) ?? []), ...statuses])
    }
    for (const operation of report.reached) reached.add(operation)
    if (report.failures.length > 0 || report.cases === 0) failed += 1
  }
  process.stdout.write(`${reached.size} of ${asked.size} operations answered 2xx to somebody\n`)
  for (const [operation, statuses] of asked) {
    if (reached.has(operation)) continue
    process.stdout.write(`  not ${operation}: ${[...new Set(statuses)].join(', ')}\n`)
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

async function signIn(client: Client, role: string) {
  const account = accounts.find(one => one.role === role)
  if (account === undefined) throw new Error(`The mesh has no demo account of the role ${role}.`)
  const { email, password } = account
  const { body } = await client.must(200, 'POST', '/v1/auth/login', { body: { email, password } })
  const { accessToken: token, refreshToken } = body
  return { email, password, token, refreshToken }
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
      '--phases=examples,coverage,fuzzing,stateful',
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
    // It keeps what it has learnt beside where it runs.
    { encoding: 'utf8', maxBuffer: 1 << 28, cwd: folder },
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
