import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'
import { join } from 'node:path'
import type { Run } from './chaos.ts'

const file = join(import.meta.dirname, '../../../docs/resilience.md')
const marks = { begin: '<!-- runs -->', end: '<!-- /runs -->' }

/** Adds a run to the table of docs/resilience.md. */
export function writeReport(run: Run): void {
  const text = readFileSync(file, 'utf8')
  const begin = text.indexOf(marks.begin)
  const end = text.indexOf(marks.end)
  if (begin < 0 || end < begin) throw new Error('docs/resilience.md has no place for runs.')
  const before = text.slice(0, end)
  writeFileSync(file, `${before}${row(run)}\n${text.slice(end)}`)
}

function row({ seed, seconds, everySeconds, rate, buyers, faults, history, verdict }: Run): string {
  const count = Object.values(faults).reduce((sum, n) => sum + n, 0)
  const kinds = Object.entries(faults)
    .map(([name, n]) => `${name} ${n}`)
    .join(', ')
  const { writes, orders } = history
  const states = Object.entries(verdict.orders)
    .map(([state, n]) => `${n} ${state}`)
    .join(', ')
  // The same seed is the same schedule only in the same code.
  const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim()
  const machine = `${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GiB`
  const day = new Date().toISOString().slice(0, 10)
  const command = `npm run campus -- chaos --seed ${seed} --duration ${seconds} --every ${everySeconds} --rate ${rate} --buyers ${buyers}`
  return `| ${day}, ${machine}, ${commit} | ${count}: ${kinds} | ${writes.acknowledged} acknowledged, ${writes.refused} refused, ${writes.unknown} unknown | ${orders.size}: ${states} | ${verdict.events} | ${Math.round(verdict.quietAfterMs / 1000)} s | ${verdict.violations.length} | \`${command}\` |`
}
