const width = 100

/** JSON as the formatter of this repository writes it: a list of plain values on one line if it fits. */
export function formatJson(value: unknown): string {
  return `${format(JSON.parse(JSON.stringify(value)), 0, 0)}\n`
}

/** @param used columns that are taken before the value, and by the comma after it */
function format(value: unknown, indent: number, used: number): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const inner = ' '.repeat(indent + 2)
  const close = `\n${' '.repeat(indent)}`
  if (Array.isArray(value)) {
    if (value.length === 0) return '[]'
    const isPlain = value.every(one => typeof one !== 'object' || one === null)
    const line = `[${value.map(one => JSON.stringify(one)).join(', ')}]`
    if (isPlain && used + line.length <= width) return line
    const items = value.map(one => inner + format(one, indent + 2, indent + 3))
    return `[\n${items.join(',\n')}${close}]`
  }
  const members = Object.entries(value)
  if (members.length === 0) return '{}'
  const lines = members.map(([name, member]) => {
    const key = `${inner}${JSON.stringify(name)}: `
    return key + format(member, indent + 2, key.length + 1)
  })
  return `{\n${lines.join(',\n')}${close}}`
}
