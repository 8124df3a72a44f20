import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'

/** The folder of one mesh: its data, logs, mails, secrets and run file. */
export interface Home {
  readonly path: string
  /** A folder per server. */
  readonly data: string
  /** A log file per process. */
  readonly logs: string
  /** The mails of the inbox. */
  readonly mail: string
}

/** Marks a folder as made by `campus`, so that `campus reset` never deletes anything else. */
const marker = 'campus-home'

/** Where `campus up` keeps its state unless `--home` says otherwise. */
export const defaultHome = join(import.meta.dirname, '../../.campus')

/** Names the folders of a home without making them. */
export function locateHome(path: string): Home {
  const root = resolve(path)
  return {
    path: root,
    data: join(root, 'data'),
    logs: join(root, 'logs'),
    mail: join(root, 'mail'),
  }
}

/** Makes the folders of a home where they are missing. */
export function openHome(path: string): Home {
  const home = locateHome(path)
  mkdirSync(home.path, { recursive: true })
  // Searchable but not listable: started by root, Postgres runs as another user and must reach its data.
  // Everything else below is closed by its own mode.
  for (const folder of [home.path, home.data]) {
    mkdirSync(folder, { recursive: true })
    chmodSync(folder, 0o711)
  }
  for (const folder of [home.logs, home.mail]) mkdirSync(folder, { recursive: true, mode: 0o700 })
  writeFileSync(join(home.path, marker), 'Made by campus; `campus reset` deletes this folder.\n')
  return home
}

/** Tells whether `campus` made the folder. */
export function isHome(home: Home): boolean {
  return existsSync(join(home.path, marker))
}

/** Downloads are kept here and shared by every mesh and test run of this user. */
export function cacheFolder(env: NodeJS.ProcessEnv = process.env): string {
  const base = env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache')
  return resolve(env['CAMPUS_CACHE'] ?? join(base, 'campus'))
}
