import type { Address, MessageSummary } from './message.ts'

/** What a search looks at: the summary and the beginning of the text. */
export interface Searchable {
  readonly summary: MessageSummary
  readonly text: string
}

/**
 * Understands the part of Mailpit's search that tests need: `to:` `from:` `subject:` and free words, all
 * of which must occur, in any case. Quotes keep words together: `subject:"Your order"`.
 *
 * @returns a predicate
 */
export function parseSearch(query: string): (mail: Searchable) => boolean {
  const terms = [...query.matchAll(/(?:(to|from|subject):)?(?:"([^"]*)"|(\S+))/gi)].map(
    ([, field, quoted, plain]) => ({
      field: field?.toLowerCase(),
      wanted: (quoted ?? plain ?? '').toLowerCase(),
    }),
  )
  return mail =>
    terms.every(({ field, wanted }) => fieldText(mail, field).toLowerCase().includes(wanted))
}

function fieldText({ summary, text }: Searchable, field: string | undefined): string {
  if (field === 'to') return summary.To.map(written).join('\n')
  if (field === 'from') return written(summary.From)
  if (field === 'subject') return summary.Subject
  return [summary.Subject, ...[summary.From, ...summary.To].map(written), text].join('\n')
}

function written({ Name, Address: address }: Address): string {
  return `${Name} <${address}>`
}
