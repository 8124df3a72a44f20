import { chownSync, existsSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { runCommand } from '../command.ts'
import type { Account } from './account.ts'

/** Where a cluster lives and who runs it. */
export interface Cluster {
  readonly binaries: string
  readonly folder: string
  readonly account: Account | undefined
}

/** The data directory of the cluster. */
export function dataDirectory(cluster: Cluster): string {
  return join(cluster.folder, 'cluster')
}

/** What Postgres and initdb see: nothing of the person's own settings. */
export const postgresEnv = { PATH: process.env['PATH'], LC_ALL: 'C', TZ: 'UTC' }

/**
 * Makes an empty cluster unless there is one.
 *
 * The collation is the built-in C.UTF-8: the same order on every machine, whatever its libraries.
 *
 * @param password of the superuser `postgres`; connections need it even on the loopback interface
 */
export async function initializeCluster(
  cluster: Cluster,
  password: string,
  signal: AbortSignal,
): Promise<void> {
  const data = dataDirectory(cluster)
  const unfinished = join(cluster.folder, 'unfinished')
  if (existsSync(join(data, 'PG_VERSION')) && !existsSync(unfinished)) return
  rmSync(data, { recursive: true, force: true })
  writeFileSync(unfinished, '')
  const passwordFile = join(cluster.folder, 'password')
  writeFileSync(passwordFile, `${password}\n`, { mode: 0o600 })
  if (cluster.account) chownSync(passwordFile, cluster.account.uid, cluster.account.gid)
  const auth = ['--auth-local=reject', '--auth-host=scram-sha-256', `--pwfile=${passwordFile}`]
  const locale = ['--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8']
  try {
    await runCommand({
      command: join(cluster.binaries, 'bin', 'initdb'),
      args: ['-D', data, '-U', 'postgres', '-E', 'UTF8', ...auth, ...locale, '--no-instructions'],
      ...cluster.account,
      cwd: cluster.folder,
      signal,
      env: postgresEnv,
    })
  } finally {
    rmSync(passwordFile, { force: true })
  }
  rmSync(unfinished)
}
