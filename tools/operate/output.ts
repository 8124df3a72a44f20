/** What a cell of a table can hold. Objects are for `--json`; people see them as JSON. */
export type Cell = string | number | boolean | bigint | null | undefined | object

/** One thing that a command tells of. */
export type Row = Readonly<Record<string, Cell>>

/** Prints either for people or for programs. */
export interface Output {
  readonly isJson: boolean
  /** Rows of one shape: an aligned table, or a JSON object a line. `empty` is for people. */
  table(rows: readonly Row[], empty: string): void
  /** One thing in full: a field a line, or one JSON object. */
  record(row: Row): void
  /** A sentence for people; programs do not get it. */
  say(text: string): void
  /** A sentence on stderr, for people and logs. */
  warn(text: string): void
}

/** @param write e.g. `text => process.stdout.write(text)` */
export function createOutput(options: {
  readonly isJson: boolean
  readonly write: (text: string) => void
  readonly warn: (text: string) => void
}): Output {
  const { isJson, write } = options
  const json = (row: Row) =>
    `${JSON.stringify(row, (_, value) => (typeof value === 'bigint' ? String(value) : value))}\n`
  return {
    isJson,
    table(rows, empty) {
      if (isJson) for (const row of rows) write(json(row))
      else write(rows.length === 0 ? `${empty}\n` : align(rows))
    },
    record(row) {
      if (isJson) return write(json(row))
      const width = Math.max(...Object.keys(row).map(name => heading(name).length))
      for (const [name, value] of Object.entries(row)) {
        if (value === undefined) continue
        const lines = (
          typeof value === 'object' && value !== null ? JSON.stringify(value, null, 2) : text(value)
        ).split('\n')
        write(`${heading(name).padEnd(width)}  ${lines.join(`\n${' '.repeat(width + 2)}`)}\n`)
      }
    },
    say(sentence) {
      if (!isJson) write(`${sentence}\n`)
    },
    warn: sentence => options.warn(`${sentence}\n`),
  }
}

function align(rows: readonly Row[]): string {
  const names = [...new Set(rows.flatMap(row => Object.keys(row)))]
  const lines = [names.map(heading), ...rows.map(row => names.map(name => text(row[name])))]
  const widths = names.map((_, i) => Math.max(...lines.map(line => line[i]?.length ?? 0)))
  const isNumeric = names.map(name => rows.every(row => isNumber(row[name])))
  return lines
    .map(line =>
      line
        .map((cell, i) =>
          isNumeric[i] === true ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0),
        )
        .join('  ')
        .trimEnd(),
    )
    .map(line => `${line}\n`)
    .join('')
}

function isNumber(value: Cell): boolean {
  return typeof value === 'number' || typeof value === 'bigint'
}

/** `oldestSeconds` → `oldest seconds`. */
function heading(name: string): string {
  return name.replace(/[A-Z]/g, letter => ` ${letter.toLowerCase()}`)
}

function text(value: Cell): string {
  if (value === null || value === undefined || value === '') return '-'
  if (typeof value === 'boolean') return value ? 'yes' : 'no'
  if (typeof value === 'object') return JSON.stringify(value)
  return String(value)
}
