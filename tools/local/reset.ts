import { existsSync, rmSync } from 'node:fs'
import { createInterface } from 'node:readline/promises'
import { CliError } from '../cli-error.ts'
import { down } from './down.ts'
import { isHome, locateHome } from './home.ts'
import { locateClusterFolder, postgresAccount } from './postgres/account.ts'

/** Options of `campus reset`. */
export interface ResetOptions {
  readonly home: string
  readonly yes?: boolean
}

/** Stops the mesh and deletes everything it has stored: data, mails, logs, secrets, demo accounts. */
export async function reset(options: ResetOptions): Promise<void> {
  const home = locateHome(options.home)
  if (!existsSync(home.path)) {
    process.stdout.write(`There is nothing in ${home.path}.\n`)
    return
  }
  if (!isHome(home)) {
    throw new CliError(`${home.path} was not made by campus, so it is not deleted.`)
  }
  if (options.yes !== true && !(await isConfirmed(home.path))) {
    throw new CliError('Nothing was deleted.')
  }
  await down({ home: home.path })
  // Below a closed folder, the cluster of a launcher that is root lies elsewhere.
  rmSync(locateClusterFolder(home, postgresAccount()), { recursive: true, force: true })
  rmSync(home.path, { recursive: true, force: true })
  process.stdout.write(`Deleted ${home.path}. Downloads are kept.\n`)
}

async function isConfirmed(path: string): Promise<boolean> {
  if (!process.stdin.isTTY) throw new CliError('Say --yes to delete the data without being asked.')
  const terminal = createInterface({ input: process.stdin, output: process.stdout })
  try {
    return (
      (await terminal.question(`Delete all data in ${path}? [y/N] `)).trim().toLowerCase() === 'y'
    )
  } finally {
    terminal.close()
  }
}
