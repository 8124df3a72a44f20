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

/** Fills an empty mesh with demo accounts and data, once per home. */
export async function seedOnce(
  home: Home,
  { endpoints }: RunState,
  options: {
    readonly firstAdminSecret: string
    readonly say: (line: string) => void
    readonly signal: AbortSignal
  },
): Promise<void> {
  const marker = join(home.path, 'seeded')
  const { gateway, inbox } = endpoints
  const isPossible = gateway !== undefined && inbox !== undefined
  if (!isPossible || existsSync(marker) || !existsSync(join(root, 'tools/prove/seed.ts'))) return
  const startedAt = performance.now()
  const input: SeedInput = {
    gatewayUrl: gateway,
    inboxUrl: inbox,
    firstAdminSecret: options.firstAdminSecret,
  }
  try {
    const output = await runTask(join(import.meta.dirname, 'seed.main.ts'), input, options.signal)
    // What it prints before is progress.
    const accounts: Account[] = JSON.parse(output.trimEnd().split('\n').at(-1) ?? '[]')
    writeAccounts(home, accounts)
    writeFileSync(marker, '')
    options.say(`demo data ready after ${Math.round(performance.now() - startedAt)} ms`)
  } catch (error) {
    // A mesh without demo data is still of use.
    options.say(`no demo data: ${error instanceof Error ? error.message : String(error)}`)
  }
}
