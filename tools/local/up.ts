import { CliError } from '../cli-error.ts'
import { type Account, readAccounts } from './accounts.ts'
import { type Home, openHome } from './home.ts'
import { Mesh } from './mesh.ts'
import { type HeldPort, holdPort } from './ports.ts'
import { preflight } from './preflight.ts'
import { AlreadyRunning, claimRunFile, type RunFileWriter, type RunState } from './run-file.ts'
import { openSecrets } from './secrets.ts'
import { seedOnce } from './seed.ts'
import { knownServices, type ServiceDefinition } from './services.ts'

/** Options of `campus up`. */
export interface UpOptions {
  readonly home: string
  readonly watch?: boolean
  readonly randomPorts?: boolean
  readonly seed: boolean
}

/** Starts everything and stays until it is stopped. */
export async function up(
  options: UpOptions,
  services: readonly ServiceDefinition[] = knownServices(),
): Promise<void> {
  const missing = (await preflight(process.env)).filter(({ isOk }) => !isOk)
  if (missing.length > 0) throw new CliError(missing.map(({ text }) => text).join('\n'))

  // Whoever reads our lines may go away, as in "campus up | head": the mesh goes on.
  process.stdout.on('error', () => undefined)
  const home = openHome(options.home)
  const say = startClock()
  const mesh = new Mesh({
    home,
    runFile: claim(home),
    services,
    takePort: preferred => takePort(options.randomPorts === true ? undefined : preferred, say),
    isWatching: options.watch === true,
    env: process.env,
    say,
  })

  const stopWanted = Promise.withResolvers<'stop'>()
  const interrupt = new AbortController()
  function wantStop(): void {
    interrupt.abort()
    stopWanted.resolve('stop')
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, wantStop)
  // A test holds the other end: when it is gone, so is its mesh.
  if (process.env['CAMPUS_LIFELINE'] === '1') {
    process.stdin.resume().once('close', wantStop)
    process.stdin.unref()
  }
  let seeding = Promise.resolve()
  try {
    const first = await Promise.race([mesh.start(), stopWanted.promise])
    if (first !== 'stop') {
      if (options.seed) {
        const firstAdminSecret = openSecrets(home)('users.FIRST_ADMIN_SECRET')
        const { signal } = interrupt
        const { people, all } = seedOnce(home, first, { firstAdminSecret, say, signal })
        seeding = all
        // Accounts are part of the summary; the rest of the demo data comes while people look around.
        await Promise.race([people, stopWanted.promise])
      }
      printSummary(first, readAccounts(home))
    }
    await stopWanted.promise
    say('stopping')
  } catch (error) {
    // A start that was interrupted has failed in some way too; that is no news.
    if (!interrupt.signal.aborted) {
      throw new CliError(error instanceof Error ? error.message : String(error))
    }
  } finally {
    await mesh.stop()
    await seeding
  }
  say('stopped')
}

async function takePort(
  preferred: number | undefined,
  say: (line: string) => void,
): Promise<HeldPort> {
  const held = await holdPort(preferred)
  if (preferred !== undefined && held.port !== preferred) {
    say(`port ${preferred} is in use: taking ${held.port}`)
  }
  return held
}

function claim(home: Home): RunFileWriter {
  try {
    return claimRunFile(home)
  } catch (error) {
    if (error instanceof AlreadyRunning) throw new CliError(error.message)
    throw error
  }
}

/** Lines with the time since the start, in seconds: the same in a terminal and in a file. */
function startClock(): (line: string) => void {
  const startedAt = performance.now()
  return line => {
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(2)
    process.stdout.write(`${seconds.padStart(7)} s  ${line}\n`)
  }
}

function printSummary({ endpoints }: RunState, accounts: readonly Account[]): void {
  const shown = ['gateway', 'docs', 'inbox'].flatMap(name => {
    const url = endpoints[name]
    return url === undefined ? [] : [`  ${name.padEnd(12)}${url}`]
  })
  const people = accounts.map(
    ({ role, email, password }) => `  ${role.padEnd(12)}${email}  ${password}`,
  )
  const lines = [
    '',
    'Campus is ready',
    '',
    ...shown,
    ...(people.length === 0 ? [] : ['', 'Demo accounts', ...people]),
    '',
    'Ctrl-C stops it; "campus status" shows it from another terminal.',
    '',
  ]
  process.stdout.write(`${lines.join('\n')}\n`)
}
