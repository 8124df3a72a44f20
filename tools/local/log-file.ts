import {
  closeSync,
  copyFileSync,
  existsSync,
  fstatSync,
  openSync,
  readSync,
  statSync,
  truncateSync,
} from 'node:fs'
import { join } from 'node:path'
import type { Home } from './home.ts'

/** A log is moved aside when it is longer; one older part is kept, so a process has at most twice this. */
const logBytesMax = 16 * 1024 * 1024

/** The log file of a process. */
export function logFile(home: Home, name: string): string {
  return join(home.logs, `${name}.log`)
}

/** Opens a log for appending. The child gets the descriptor itself: no output passes the launcher. */
export function openLog(file: string): number {
  return openSync(file, 'a', 0o600)
}

/** Moves the content of a log aside when it has grown too long. */
export function boundLog(file: string): void {
  if (!existsSync(file) || statSync(file).size <= logBytesMax) return
  // Copied and emptied, not renamed: the writer keeps its descriptor, and it appends.
  copyFileSync(file, `${file}.1`)
  truncateSync(file)
}

/** The length of a log in bytes, 0 when there is none. */
export function logLength(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0
}

/** The last lines after byte `from`, oldest first, at most those in the last 16 KiB. */
export function lastLines(file: string, count: number, from = 0): string[] {
  if (!existsSync(file)) return []
  const descriptor = openSync(file, 'r')
  try {
    const { size } = fstatSync(descriptor)
    const start = Math.max(Math.min(from, size), size - 16 * 1024)
    const buffer = Buffer.alloc(size - start)
    readSync(descriptor, buffer, 0, buffer.length, start)
    const text = buffer.toString().trimEnd()
    return text === '' ? [] : text.split('\n').slice(-count)
  } finally {
    closeSync(descriptor)
  }
}
