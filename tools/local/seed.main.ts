// Runs tools/prove/seed.ts in a process of its own; see seed.ts, which starts this and reads its lines.
import { text } from 'node:stream/consumers'
import type { Account } from './accounts.ts'
import { lines, type SeedInput } from './seed.ts'

interface Report {
  readonly say: (line: string) => void
  readonly people: (all: Account[]) => void
}

const input: SeedInput = JSON.parse(await text(process.stdin))
const { seed }: { seed: (options: SeedInput, report: Report) => Promise<void> } = await import(
  new URL('../prove/seed.ts', import.meta.url).href
)
await seed(input, {
  say: line => process.stdout.write(`${lines.progress}${line}\n`),
  people: all => process.stdout.write(`${lines.people}${JSON.stringify(all)}\n`),
})
