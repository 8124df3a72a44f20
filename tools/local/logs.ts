import { closeSync, existsSync, fstatSync, openSync, readdirSync, readSync } from 'node:fs'
import { basename, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { CliError } from '../cli-error.ts'
import { locateHome } from './home.ts'
import { lastLines, logFile } from './log-file.ts'

const shownLines = 50
const pollMs = 250

/** Options of `campus logs`. */
export interface LogsOptions {
  readonly home: string
  readonly follow?: boolean
}

/** Prints the end of one log or of all, and with `follow` what is added until Ctrl-C. */
export async function logs(name: string | undefined, options: LogsOptions): Promise<void> {
  const home = locateHome(options.home)
  const names = name === undefined ? namesIn(home.logs) : [name]
  for (const one of names) {
    if (!existsSync(logFile(home, one))) {
      const known = namesIn(home.logs).join(', ') || 'none yet'
      throw new CliError(`There is no log of "${one}". Logs: ${known}.`)
    }
  }
  const prefix = (one: string) => (names.length === 1 ? '' : `${one.padEnd(13)} | `)
  const offsets = new Map<string, number>()
  for (const one of names) {
    const file = logFile(home, one)
    offsets.set(one, sizeOf(file))
    print(prefix(one), lastLines(file, shownLines))
  }
  while (options.follow === true) {
    await sleep(pollMs)
    for (const one of names) {
      const added = readFrom(logFile(home, one), offsets.get(one) ?? 0)
      offsets.set(one, added.offset)
      print(prefix(one), added.lines)
    }
  }
}

function namesIn(folder: string): string[] {
  if (!existsSync(folder)) return []
  return readdirSync(folder)
    .filter(file => file.endsWith('.log'))
    .map(file => basename(join(folder, file), '.log'))
    .toSorted()
}

function print(prefix: string, lines: readonly string[]): void {
  for (const line of lines) process.stdout.write(`${prefix}${line}\n`)
}

function sizeOf(file: string): number {
  return readFrom(file, Number.MAX_SAFE_INTEGER).offset
}

/** Whole lines after `offset`; a log that was emptied meanwhile is read from its beginning. */
function readFrom(file: string, offset: number): { offset: number; lines: string[] } {
  const descriptor = openSync(file, 'r')
  try {
    const { size } = fstatSync(descriptor)
    if (offset === Number.MAX_SAFE_INTEGER) return { offset: size, lines: [] }
    const start = offset > size ? 0 : offset
    const buffer = Buffer.alloc(size - start)
    readSync(descriptor, buffer, 0, buffer.length, start)
    const end = buffer.lastIndexOf('\n') + 1
    const text = buffer.toString('utf8', 0, end)
    return { offset: start + end, lines: text === '' ? [] : text.trimEnd().split('\n') }
  } finally {
    closeSync(descriptor)
  }
}
