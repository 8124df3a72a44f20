import { spawn } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { basename, delimiter, join } from 'node:path'
import { createInterface } from 'node:readline'

/** How to start a program: the part of a process specification that `child_process` needs. */
export interface Launch {
  readonly command: string
  readonly args: readonly string[]
  readonly cwd?: string
  /** The whole environment; the launcher's own one when absent. */
  readonly env?: NodeJS.ProcessEnv
  readonly uid?: number
  readonly gid?: number
  /** Ends the program early. */
  readonly signal?: AbortSignal
  /** Called with each line that the program prints, as it comes. */
  readonly onLine?: (line: string) => void
}

/** What a program printed. */
export interface Output {
  readonly stdout: string
  readonly stderr: string
}

/** A program that did not succeed; the message ends with the last of its output. */
class CommandError extends Error {
  override readonly name = 'CommandError'
}

/** The first of `names` on the search path, as a whole path. */
export function findProgram(...names: readonly string[]): string | undefined {
  for (const name of names) {
    for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
      const file = join(folder, name)
      try {
        accessSync(file, constants.X_OK)
        return file
      } catch {
        // Not here: the next folder.
      }
    }
  }
  return undefined
}

/** How much output of a failed program is worth showing, in characters. */
const shownCharactersMax = 1_500

/**
 * Runs a program to its end.
 *
 * @param input written to its standard input
 * @throws CommandError when it cannot start or ends with another code than 0
 */
export async function runCommand(launch: Launch, input = ''): Promise<Output> {
  const { promise, resolve, reject } = Promise.withResolvers<Output>()
  const { command, args, onLine, ...options } = launch
  const child = spawn(command, args, { ...options, stdio: ['pipe', 'pipe', 'pipe'] })
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    stdout += chunk
  })
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    stderr += chunk
  })
  if (onLine !== undefined) createInterface({ input: child.stdout }).on('line', onLine)
  child.on('error', error => reject(new CommandError(`${command}: ${error.message}`)))
  child.on('close', (code, signal) => {
    if (code === 0) resolve({ stdout, stderr })
    else {
      const end = (stdout + stderr).slice(-shownCharactersMax).trim()
      reject(new CommandError(`${basename(command)} ended with ${code ?? signal}.\n${end}`))
    }
  })
  // A program that ends without reading its input is judged by its exit code.
  child.stdin.on('error', () => undefined)
  child.stdin.end(input)
  return promise
}
