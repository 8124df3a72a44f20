import { readFileSync, writeFileSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'
import { join } from 'node:path'
import type { Cleanup } from '@campus/platform/testing/cleanup'
import { CliError } from '../cli-error.ts'
import { checkoutFigures } from './bench/checkout.ts'
import { eventFigures } from './bench/events.ts'
import { type Figure, misses, tableOf } from './bench/figure.ts'
import { httpFigures } from './bench/http.ts'
import { searchFigures } from './bench/search.ts'
import { type Mesh, startMesh } from './mesh.ts'
import { putOnSale, untilCartsKnow } from './shop.ts'

const page = join(import.meta.dirname, '../../docs/performance.md')
const begin = '<!-- bench:begin -->'
const end = '<!-- bench:end -->'

/** Options of `campus bench`. */
export interface BenchOptions {
  /** Also put the table into docs/performance.md. */
  readonly write?: boolean
  /** Fails when a figure misses its target by more than a fifth. */
  readonly check?: boolean
  /** Measures one part only. */
  readonly only?: 'http' | 'checkout' | 'events' | 'search'
}

/** Measures a mesh of its own against the raw limits of the same run, and prints a table. */
export async function bench({ write, check, only }: BenchOptions): Promise<void> {
  const releases: (() => unknown)[] = []
  const t: Cleanup = { teardown: release => releases.push(release) }
  const say = (line: string) => process.stderr.write(`${line}\n`)
  try {
    say('starting a mesh …')
    const mesh = await startMesh(t)
    const article = await putOnSale(mesh.client, mesh.admin.token, {
      title: 'Bench mug',
      slug: 'bench-mug',
      priceMinor: 1_290,
      units: 100_000,
    })
    await untilCartsKnow(mesh.client, article)
    const figures: Figure[] = []
    const { endpoints } = await mesh.status()
    const parts = {
      http: () => httpFigures(t, mesh, endpoints['catalog'] ?? ''),
      checkout: () => checkoutFigures(mesh, article),
      events: () => eventFigures(mesh),
      search: () => searchFigures(mesh),
    }
    for (const [name, measure] of Object.entries(parts)) {
      if (only !== undefined && only !== name) continue
      say(`${name} …`)
      figures.push(...(await measure()))
    }
    figures.push(...(await memoryFigures(mesh)))
    const table = `${machine()}\n\n${tableOf(figures)}`
    process.stdout.write(`${table}\n`)
    if (write === true) {
      const text = readFileSync(page, 'utf8')
      const [before, after] = [text.split(begin)[0], text.split(end)[1]]
      writeFileSync(page, `${before}${begin}\n${table}\n${end}${after}`)
    }
    const missed = figures.filter(misses).map(({ name }) => name)
    if (check === true && missed.length > 0) {
      throw new CliError(`Missed by more than a fifth: ${missed.join('; ')}.`)
    }
  } finally {
    for (const release of releases.toReversed()) await release()
  }
}

async function memoryFigures(mesh: Mesh): Promise<Figure[]> {
  const { processes } = await mesh.status()
  const mebibytes = (bytes: number | null) => (bytes ?? 0) / 1_048_576
  const whole = processes.reduce((all, { rssBytes }) => all + mebibytes(rssBytes), 0)
  return [
    { name: 'memory of the whole mesh after all of this', unit: 'MiB', campus: whole },
    ...processes.map(({ name, rssBytes }) => ({
      name: `memory of ${name}`,
      unit: 'MiB',
      campus: mebibytes(rssBytes),
    })),
  ]
}

function machine(): string {
  const [cpu] = cpus()
  const memory = Math.round(totalmem() / 2 ** 30)
  return `${cpus().length} × ${cpu?.model ?? 'unknown'}, ${memory} GiB, Node ${process.version}; client, servers and services share the machine.`
}
