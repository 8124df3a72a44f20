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

/** The last lines of a log, oldest first, at most those in its last 16 KiB. */
export function lastLines(file: string, count: number): string[] {
  if (!existsSync(file)) return []
  const descriptor = openSync(file, 'r')
  try {
    const { size } = fstatSync(descriptor)
    const buffer = Buffer.alloc(Math.min(size, 16 * 1024))
    readSync(descriptor, buffer, 0, buffer.length, size - buffer.length)
    return buffer.toString().trimEnd().split('\n').slice(-count)
  } finally {
    closeSync(descriptor)
  }
}
