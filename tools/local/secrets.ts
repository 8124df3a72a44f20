import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Home } from './home.ts'

/** Hands out the development secret of a name: made once, the same at every later start. */
export type Secrets = (name: string) => string

/** The secrets of a home. They live in one file that only its owner may read; none is in the repository. */
export function openSecrets(home: Home): Secrets {
  const file = join(home.path, 'secrets.json')
  const known: Record<string, string> = existsSync(file)
    ? JSON.parse(readFileSync(file, 'utf8'))
    : {}
  return name => {
    const existing = known[name]
    if (existing !== undefined) return existing
    // 256 bits, in letters that need no escaping in a URL, a shell or an environment file.
    const made = randomBytes(32).toString('base64url')
    known[name] = made
    // Renamed into place: a crash in between leaves the old file, never half a new one.
    writeFileSync(`${file}.tmp`, `${JSON.stringify(known, null, 2)}\n`, { mode: 0o600 })
    renameSync(`${file}.tmp`, file)
    return made
  }
}
