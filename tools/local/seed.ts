import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Account, writeAccounts } from './accounts.ts'
import type { Home } from './home.ts'
import type { RunState } from './run-file.ts'
import { root } from './services.ts'
import { runTask } from './task.ts'

/** What seed.main.ts reads from its standard input and hands to `seed`. */
export interface SeedInput {
  readonly gatewayUrl: string
  readonly inboxUrl: string
  /** Lets the first account become an administrator. */
  readonly firstAdminSecret: string
}

/** How the lines that seed.main.ts prints begin. */
export const lines = { progress: 'progress ', people: 'people ' } as const

interface Seeding {
  /** Done when the demo accounts can sign in. */
  readonly people: Promise<void>
  /** Done when everything is there. */
  readonly all: Promise<void>
}

/** Fills a mesh with demo accounts and data, once per home. It never fails: without them a mesh is of use. */
export function seedOnce(
  home: Home,
  { endpoints }: RunState,
  options: {
    readonly firstAdminSecret: string
    readonly say: (line: string) => void
    readonly signal: AbortSignal
  },
): Seeding {
  const marker = join(home.path, 'seeded')
  const { gateway: gatewayUrl, inbox: inboxUrl } = endpoints
  const nothing = { people: Promise.resolve(), all: Promise.resolve() }
  if (gatewayUrl === undefined || inboxUrl === undefined || existsSync(marker)) return nothing
  if (!existsSync(join(root, 'tools/prove/seed.ts'))) return nothing
  const { firstAdminSecret, say, signal } = options
  const people = Promise.withResolvers<void>()

  async function run(input: SeedInput): Promise<void> {
    const startedAt = performance.now()
    try {
      const file = join(import.meta.dirname, 'seed.main.ts')
      await runTask(file, input, signal, line => {
        if (line.startsWith(lines.progress)) say(line.slice(lines.progress.length))
        if (!line.startsWith(lines.people)) return
        const accounts: Account[] = JSON.parse(line.slice(lines.people.length))
        writeAccounts(home, accounts)
        people.resolve()
      })
      writeFileSync(marker, '')
      say(`demo data is complete after ${Math.round(performance.now() - startedAt)} ms`)
    } catch (error) {
      // Stopped in the middle: the next start goes on.
      if (!signal.aborted) {
        say(`no demo data: ${error instanceof Error ? error.message : String(error)}`)
      }
    } finally {
      people.resolve()
    }
  }
  return { people: people.promise, all: run({ gatewayUrl, inboxUrl, firstAdminSecret }) }
}
