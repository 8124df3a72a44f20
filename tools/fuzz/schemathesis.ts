import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { runCommand } from '../local/command.ts'
import type { Leaver } from './leavers.ts'
import { type Report, readReport } from './report.ts'
import type { Site } from './site.ts'

/** The first that leaves streams by itself; a later major version may rename options, as before. */
const release = 'schemathesis>=4.32,<5'

/** One run of the tool. */
export interface Pass {
  /** Unique, for its files. */
  readonly name: string
  /** The OpenAPI document, as JSON. */
  readonly document: string
  readonly token?: string
  readonly phases: readonly ('examples' | 'coverage' | 'fuzzing' | 'stateful')[]
  /** How long the tool goes on making up requests. */
  readonly seconds: number
  readonly seed: number
  /** The one operation to ask, e.g. `GET /v1/products`; absent: all. */
  readonly only?: string
  readonly hooks?: Hooks
}

/** What hooks.py does on behalf of a caller. */
interface Hooks {
  /** By operation: who asks it, because its success ends the session. */
  readonly leavers: Readonly<Record<string, Pick<Leaver, 'email' | 'password'>>>
  /** The account of the run, which must not lock itself out. */
  readonly ownId?: string
  /** Whom it locks out instead. */
  readonly otherId?: string
}

/** Installs the tool, a Python package, into a virtual environment in `folder`. */
export async function installSchemathesis(folder: string): Promise<void> {
  const venv = join(folder, 'venv')
  await runCommand({ command: 'python3', args: ['-m', 'venv', venv] })
  const command = join(venv, 'bin/python')
  await runCommand({ command, args: ['-m', 'pip', 'install', '--quiet', release] })
}

/**
 * Lets the tool make requests.
 *
 * @throws when it ends without a report
 */
export async function runSchemathesis(site: Site, pass: Pass): Promise<Report> {
  const { gatewayUrl, webhookSecret, folder } = site
  const { name, token, only, phases, seconds, seed, hooks } = pass
  const document = join(folder, `${name}.json`)
  const report = join(folder, `${name}.ndjson`)
  writeFileSync(document, pass.document)
  const ended = runCommand({
    command: join(folder, 'venv/bin/schemathesis'),
    args: [
      `--config-file=${join(import.meta.dirname, 'schemathesis.toml')}`,
      'run',
      document,
      `--url=${gatewayUrl}`,
      `--phases=${phases.join(',')}`,
      `--max-time=${seconds}`,
      `--seed=${seed}`,
      '--max-failures=100',
      '--continue-on-failure',
      '--no-color',
      `--report-ndjson-path=${report}`,
      ...(only === undefined ? [] : [`--include-name=${only}`]),
      ...(token === undefined ? [] : ['--header', `Authorization: Bearer ${token}`]),
    ],
    // It keeps what it has learnt beside where it runs.
    cwd: folder,
    env: {
      ...process.env,
      SCHEMATHESIS_HOOKS: join(import.meta.dirname, 'hooks.py'),
      CAMPUS_FUZZ: JSON.stringify({ gatewayUrl, webhookSecret, ...hooks }),
      // No __pycache__ in the repository.
      PYTHONDONTWRITEBYTECODE: '1',
    },
  })
  // It ends with 1 when it has found something; what that is stands in its report.
  const failure = await ended.then(
    () => undefined,
    (error: unknown) => error,
  )
  if (!existsSync(report)) throw failure
  return readReport(report)
}
