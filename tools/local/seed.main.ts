// Runs tools/prove/seed.ts in a process of its own; see seed.ts, which starts this and reads its output.
import { text } from 'node:stream/consumers'
import type { Account } from './accounts.ts'
import type { SeedInput } from './seed.ts'

const input: SeedInput = JSON.parse(await text(process.stdin))
const { seed }: { seed: (options: SeedInput) => Promise<Account[]> } = await import(
  new URL('../prove/seed.ts', import.meta.url).href
)
process.stdout.write(`\n${JSON.stringify(await seed(input))}\n`)
