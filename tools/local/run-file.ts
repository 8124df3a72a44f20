// `<home>/run.json`: what the launcher tells every other `campus` command, in a file that only its owner
// may read, since it holds addresses with passwords. It exists while a launcher runs. After kill -9 it
// stays behind, so a reader also asks whether the process that wrote it is still the same one.
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Home } from './home.ts'
import { isAlive, processIdentity } from './pid.ts'
import type { ProcessStatus } from './supervisor.ts'

/** What a running mesh consists of. */
export interface RunState {
  readonly phase: 'starting' | 'ready' | 'stopping'
  /** Addresses for people and tests, by name: gateway, docs, inbox and one per service. */
  readonly endpoints: Readonly<Record<string, string>>
  /** Addresses of the admin ports (health, metrics), by service. */
  readonly admin: Readonly<Record<string, string>>
  /**
   * DATABASE_URL of the superuser, KAFKA_BROKERS, REDIS_URL, SMTP_URL, INBOX_URL, and of the roles of
   * operators CAMPUS_OPERATOR_DATABASE_URL and CAMPUS_AUDIT_DATABASE_URL.
   */
  readonly env: Readonly<Record<string, string>>
  /** DATABASE_URL of the login role of each service. */
  readonly databases: Readonly<Record<string, string>>
  readonly processes: readonly ProcessStatus[]
}

/** The content of the file. */
export interface RunFile extends RunState {
  readonly launcher: Launcher
}

interface Launcher {
  readonly pid: number
  /** Tells the launcher from a later process with the same id. */
  readonly identity: string
}

/** The right to write the file, which only one launcher has. */
export interface RunFileWriter {
  write(state: RunState): void
  remove(): void
}

/** A second start is refused: two launchers would write the same data. */
export class AlreadyRunning extends Error {
  override readonly name = 'AlreadyRunning'
  readonly pid: number

  constructor(home: Home, pid: number) {
    super(`Campus is already running in ${home.path} (process ${pid}). Stop it with "campus down".`)
    this.pid = pid
  }
}

const emptyState: RunState = {
  phase: 'starting',
  endpoints: {},
  admin: {},
  env: {},
  databases: {},
  processes: [],
}

/**
 * Takes the home for this process.
 *
 * @throws AlreadyRunning when another launcher has it
 */
export function claimRunFile(home: Home): RunFileWriter {
  const file = join(home.path, 'run.json')
  const launcher = { pid: process.pid, identity: processIdentity(process.pid) ?? '' }
  const encode = (state: RunState) => `${JSON.stringify({ launcher, ...state }, null, 2)}\n`
  const running = readRunFile(home)
  if (running !== undefined) throw new AlreadyRunning(home, running.launcher.pid)
  // What is there now was left by a launcher that is gone.
  rmSync(file, { force: true })
  try {
    // Fails when another launcher was faster by a moment.
    writeFileSync(file, encode(emptyState), { mode: 0o600, flag: 'wx' })
  } catch {
    throw new AlreadyRunning(home, readRunFile(home)?.launcher.pid ?? 0)
  }
  return {
    write(state) {
      writeFileSync(`${file}.next`, encode(state), { mode: 0o600 })
      renameSync(`${file}.next`, file)
    },
    remove: () => rmSync(file, { force: true }),
  }
}

/** What runs in `home` now; undefined when nothing does. */
export function readRunFile(home: Home): RunFile | undefined {
  let found: RunFile
  try {
    found = JSON.parse(readFileSync(join(home.path, 'run.json'), 'utf8'))
  } catch {
    // Absent, or being written for the first time.
    return undefined
  }
  const { pid, identity } = found.launcher
  return isAlive(pid) && (processIdentity(pid) ?? '') === identity ? found : undefined
}
