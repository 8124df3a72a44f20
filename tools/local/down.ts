import { setTimeout as sleep } from 'node:timers/promises'
import { CliError } from '../cli-error.ts'
import { locateHome } from './home.ts'
import { readRunFile } from './run-file.ts'

/** Longer than the launcher itself needs at most. */
const graceMs = 15_000
const pollMs = 50

/** Options of `campus down`. */
export interface DownOptions {
  readonly home: string
}

/** Stops the mesh of a home and waits until it has stopped. Nothing running is no failure. */
export async function down(options: DownOptions): Promise<void> {
  const home = locateHome(options.home)
  const run = readRunFile(home)
  if (run === undefined) {
    process.stdout.write('Campus is not running.\n')
    return
  }
  const { pid } = run.launcher
  process.kill(pid, 'SIGTERM')
  const deadline = performance.now() + graceMs
  while (readRunFile(home)?.launcher.pid === pid) {
    if (performance.now() > deadline) {
      // Its guard then ends the servers and the services.
      process.kill(pid, 'SIGKILL')
      throw new CliError(`The launcher (process ${pid}) did not stop in time and was killed.`)
    }
    await sleep(pollMs)
  }
  process.stdout.write('Campus has stopped. Its data is kept; "campus reset" deletes it.\n')
}
