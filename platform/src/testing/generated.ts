import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import type { TObject } from 'typebox'
import { configTable } from '../process/config.ts'

/** Set by `npm run docs`: files that are made from code are written instead of compared. */
export const isUpdating = process.env['CAMPUS_UPDATE'] === '1'

/**
 * Compares a file that is made from code with what the code makes now; `npm run docs` writes it.
 *
 * @throws Error when they differ
 */
export function expectGenerated(file: string, text: string): void {
  if (isUpdating) {
    writeFileSync(file, text)
    return
  }
  const present = existsSync(file) ? readFileSync(file, 'utf8') : undefined
  if (present !== text) throw new Error(`${file} is out of date: run \`npm run docs\`.`)
}

const begin = '<!-- env:begin -->'
const end = '<!-- env:end -->'

/** Compares the table of settings in a README with the schema of the settings. */
export function expectEnvTable(readme: string, config: TObject): void {
  const text = readFileSync(readme, 'utf8')
  const [before, rest] = [text.split(begin)[0], text.split(end)[1]]
  if (before === undefined || rest === undefined) {
    throw new Error(`${readme} has no ${begin} … ${end}.`)
  }
  expectGenerated(readme, `${before}${begin}\n${configTable(config).trim()}\n${end}${rest}`)
}
