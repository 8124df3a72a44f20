import { type Account, readAccounts } from './accounts.ts'
import { locateHome } from './home.ts'
import { rssBytes } from './pid.ts'
import { type RunFile, readRunFile } from './run-file.ts'
import { isReady } from './service-process.ts'
import type { ProcessState } from './supervisor.ts'

/** What `campus status --json` prints. */
export interface Status {
  /** The launcher lives, every process was ready once, and the gateway answers that it is ready now. */
  readonly ready: boolean
  readonly endpoints: Readonly<Record<string, string>>
  readonly accounts: readonly Account[]
  readonly processes: readonly {
    readonly name: string
    readonly pid: number | null
    readonly state: ProcessState
    readonly rssBytes: number | null
    readonly startedInMs: number | null
    readonly restarts: number
  }[]
}

/** Options of `campus status`. */
export interface StatusOptions {
  readonly home: string
  readonly json?: boolean
}

/** Shows what runs; the exit code is 0 only when all of it is ready. */
export async function status(options: StatusOptions): Promise<void> {
  const report = await readStatus(options.home)
  const text = options.json === true ? JSON.stringify(report, null, 2) : describe(report)
  process.stdout.write(`${text}\n`)
  process.exitCode = report.ready ? 0 : 1
}

/** The state of the mesh in a home, from any process. */
export async function readStatus(path: string): Promise<Status> {
  const home = locateHome(path)
  const run = readRunFile(home)
  if (run === undefined) return { ready: false, endpoints: {}, accounts: [], processes: [] }
  const launcher = {
    name: 'launcher',
    pid: run.launcher.pid,
    state: 'ready' as const,
    rssBytes: rssBytes(run.launcher.pid) ?? null,
    startedInMs: null,
    restarts: 0,
  }
  return {
    ready: await isMeshReady(run),
    endpoints: run.endpoints,
    accounts: readAccounts(home),
    processes: [
      launcher,
      ...run.processes.map(({ name, pid, state, startedInMs, restarts }) => ({
        name,
        pid: pid ?? null,
        state,
        rssBytes: pid === undefined ? null : (rssBytes(pid) ?? null),
        startedInMs: startedInMs ?? null,
        restarts,
      })),
    ],
  }
}

/** The gateway is ready when what it needs is; a mesh without one asks every service. */
async function isMeshReady({ phase, admin }: RunFile): Promise<boolean> {
  if (phase !== 'ready') return false
  const asked = admin['gateway'] === undefined ? Object.values(admin) : [admin['gateway']]
  try {
    await Promise.all(asked.map(url => isReady(Number(new URL(url).port))))
    return true
  } catch {
    return false
  }
}

function describe(report: Status): string {
  if (report.processes.length === 0) return 'Campus is not running. Start it with "campus up".'
  const rows = report.processes.map(({ name, pid, state, rssBytes: bytes, restarts }) => {
    const memory = bytes === null ? '' : `${Math.round(bytes / 1024 / 1024)} MiB`
    const cells = [
      name.padEnd(14),
      String(pid ?? '-').padEnd(8),
      state.padEnd(11),
      memory.padEnd(9),
    ]
    return `  ${cells.join(' ')}${restarts === 0 ? '' : ` restarts: ${restarts}`}`.trimEnd()
  })
  const urls = Object.entries(report.endpoints).map(([name, url]) => `  ${name.padEnd(14)} ${url}`)
  const people = report.accounts.map(
    ({ role, email, password }) => `  ${role.padEnd(14)} ${email}  ${password}`,
  )
  return [
    report.ready ? 'Campus is ready.' : 'Campus is not ready.',
    '',
    ...rows,
    '',
    ...urls,
    ...(people.length === 0 ? [] : ['', ...people]),
  ].join('\n')
}
