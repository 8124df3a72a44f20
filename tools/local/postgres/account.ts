import { createHash } from 'node:crypto'
import { chownSync, mkdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Home } from '../home.ts'

/** The user that Postgres runs as when the launcher is root, which Postgres refuses to be. */
export interface Account {
  readonly uid: number
  readonly gid: number
}

/** Survives a restart of the machine, unlike /tmp. */
export const longLivedTemporaryFolder = '/var/tmp'

/** @returns undefined when the launcher is an ordinary user: Postgres is then the same one */
export function postgresAccount(): Account | undefined {
  if (process.getuid?.() !== 0) return undefined
  // initdb refuses a user id that has no name, so it is one that every system has.
  const users = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map(line => line.split(':'))
  for (const wanted of ['postgres', 'nobody']) {
    const [, , uid, gid] = users.find(([name]) => name === wanted) ?? []
    if (uid !== undefined && gid !== undefined) return { uid: Number(uid), gid: Number(gid) }
  }
  throw new Error('Postgres cannot run as root, and there is no user "postgres" or "nobody".')
}

/** The folder of the cluster: in the home, unless the account cannot get there. */
export function locateClusterFolder(home: Home, account: Account | undefined): string {
  const usual = join(home.data, 'postgres')
  if (account === undefined || isReachable(home.path)) return usual
  const key = createHash('sha256').update(home.path).digest('hex').slice(0, 12)
  return join(longLivedTemporaryFolder, `campus-data-${key}`)
}

/** Makes the folder, closed to everybody but the account. */
export function makeClusterFolder(folder: string, account: Account | undefined): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  if (account === undefined) return
  const { uid } = statSync(folder)
  if (uid !== 0 && uid !== account.uid) throw new Error(`${folder} belongs to user ${uid}.`)
  chownSync(folder, account.uid, account.gid)
}

/** Whether another user may pass every folder above; the home itself is always searchable. */
function isReachable(home: string): boolean {
  for (let folder = dirname(home); folder !== dirname(folder); folder = dirname(folder)) {
    if ((statSync(folder).mode & 0o001) === 0) return false
  }
  return true
}
