import { spawn } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { basename, delimiter, join } from 'node:path'

/** How to start a program: the part of a process specification that `child_process` needs. */
export interface Launch {
  readonly command: string
  readonly args: readonly string[]
  readonly cwd?: string
  /** The whole environment; the launcher's own one when absent. */
  readonly env?: NodeJS.ProcessEnv
  readonly uid?: number
  readonly gid?: number
}

/** A program that did not succeed; the message ends with the last of its output. */
export class CommandError extends Error {
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
 * @returns its standard output and error output, mixed
 * @throws CommandError when it cannot start or ends with another code than 0
 */
export async function runCommand(launch: Launch, input = ''): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const { command, args, ...options } = launch
  const child = spawn(command, args, { ...options, stdio: ['pipe', 'pipe', 'pipe'] })
  const output: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => output.push(chunk))
  child.stderr.on('data', (chunk: Buffer) => output.push(chunk))
  child.on('error', error => reject(new CommandError(`${command}: ${error.message}`)))
  child.on('close', (code, signal) => {
    const text = Buffer.concat(output).toString()
    if (code === 0) resolve(text)
    else {
      const end = text.slice(-shownCharactersMax).trim()
      reject(new CommandError(`${basename(command)} ended with ${code ?? signal}.\n${end}`))
    }
  })
  // A program that ends without reading its input is judged by its exit code.
  child.stdin.on('error', () => undefined)
  child.stdin.end(input)
  return promise
}
