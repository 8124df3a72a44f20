import { join } from 'node:path'
import { runCommand } from './command.ts'
import { cacheFolder } from './home.ts'
import { root } from './services.ts'

/** Compiled code of the launcher, its tasks and the services, kept between starts. */
export function compileCache(): { readonly NODE_COMPILE_CACHE: string } {
  return { NODE_COMPILE_CACHE: join(cacheFolder(), 'compiled') }
}

/** Flags with which Node runs our sources. */
export const sourceFlags = ['--import', join(root, 'tools/fast-imports.ts')]

/**
 * Runs a part of the launcher that needs much memory for a short time in a process of its own.
 *
 * @param input sent as JSON
 * @param onLine called with each line that it prints
 * @returns what it printed
 */
export async function runTask(
  file: string,
  input: unknown,
  signal: AbortSignal,
  onLine?: (line: string) => void,
): Promise<string> {
  const { stdout } = await runCommand(
    {
      command: process.execPath,
      args: [...sourceFlags, file],
      cwd: root,
      env: { ...process.env, ...compileCache() },
      signal,
      ...(onLine !== undefined && { onLine }),
    },
    JSON.stringify(input),
  )
  return stdout
}
