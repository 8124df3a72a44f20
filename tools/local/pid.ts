import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

/** Tells whether a process of this id exists, whoever owns it. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}

/**
 * What tells a process from a later one that was given the same id: the moment it started.
 *
 * @returns an opaque text, undefined when there is no such process
 */
export function processIdentity(pid: number): string | undefined {
  const stat = readProc(pid, 'stat')
  // The name in parentheses may hold spaces; the start time is the 20th field after it.
  if (stat !== undefined) return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
  return ps(pid, 'lstart=')
}

/** Resident memory of a process in bytes, undefined when there is no such process. */
export function rssBytes(pid: number): number | undefined {
  const status = readProc(pid, 'status')
  const kibibytes =
    status === undefined ? ps(pid, 'rss=') : /^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]
  return kibibytes === undefined ? undefined : Number(kibibytes) * 1024
}

function readProc(pid: number, file: string): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8')
  } catch {
    return undefined
  }
}

/** Systems without /proc. */
function ps(pid: number, column: string): string | undefined {
  if (process.platform === 'linux') return undefined
  try {
    const text = execFileSync('ps', ['-o', column, '-p', String(pid)], { encoding: 'utf8' }).trim()
    return text === '' ? undefined : text
  } catch {
    return undefined
  }
}
