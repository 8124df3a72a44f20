import { ruleOf } from './saga.ts'
import { type Happening, happenings, type State, states } from './saga-state.ts'

// docs/checkout-saga.md, made from the table: states, events and the arrows of the diagram are those of
// its rules, so the page cannot say anything else than the code does.

interface RowText {
  /** When the row holds, if the pair of state and event does not say it all. */
  readonly when?: string
  readonly next: string
  readonly does: string
}

const everything = 'any earlier answer'

/** Rows that are an absence of rules. */
const absences: { readonly [row: number]: { readonly state: State; readonly event: string } } = {
  31: { state: 'cancelling', event: everything },
  33: { state: 'cancelled', event: 'anything' },
}

/** One text for each row of the table. */
export const rowTexts: { readonly [row: number]: RowText } = {
  1: {
    next: 'awaiting_payment',
    does: '`payment_requested`, timer 15 min. Total 0: straight to `committing`, the money is done',
  },
  2: {
    next: 'cancelled',
    does: '`order_cancelled`: out of stock, price no longer valid, archived',
  },
  3: { next: 'cancelling', does: 'stop; no money was asked for' },
  4: { next: 'same', does: 'keeps the intent, which `Prefer: wait` on checkout waits for' },
  5: { when: 'attempts left', next: 'same', does: 'keeps the code; another token may be tried' },
  6: { when: 'none left', next: 'cancelling', does: 'stop, `payment_declined`' },
  7: { next: 'committing', does: '`stock_commit_requested`, timer 10 min' },
  8: { next: 'cancelling', does: 'the stock is done; stop, `reservation_expired`' },
  9: { next: 'cancelling', does: 'stop, `cancelled_by_customer` or `payment_timeout`' },
  10: { next: 'cancelling', does: 'the money is done; stop, `payment_lapsed`' },
  11: {
    next: 'capturing',
    does: '`capture_requested`, timer 10 min. Total 0: `confirmed`, `order_confirmed`',
  },
  12: { next: 'cancelling', does: 'the stock is done; stop, `out_of_stock`' },
  13: { next: 'same', does: 'ignored on purpose: the commit answer decides' },
  14: { next: 'cancelling', does: 'stop, `cancelled_by_customer` or `commit_timeout`' },
  15: {
    next: 'confirmed',
    does: '`order_confirmed`; timer 15 min when a course line waits, 14 d for goods',
  },
  16: { next: 'cancelling', does: 'stop; committed units go back' },
  17: { next: 'cancelling', does: 'stop; payments refunds if it captured meanwhile' },
  18: {
    next: 'same, 1 h later cancelling',
    does: 'asks again with `order_stuck`; after 60 min stop, `capture_timeout`',
  },
  19: { next: 'same or completed', does: 'the line is delivered' },
  20: { next: 'same', does: '`refund_requested` for the line' },
  21: { next: 'same or completed', does: '`order_shipped`, `order_delivered`' },
  22: { next: 'same', does: '`refund_requested`; Σ refunds ≤ captured under the row lock' },
  23: {
    next: 'same, completed with the last line',
    does:
      '`order_refunded`, `return_closed` when it is for a return; `order_completed` when nothing ' +
      'more is to come',
  },
  24: { when: 'final', next: 'same', does: '`order_stuck`' },
  25: {
    when: 'nothing shipped or delivered',
    next: 'cancelling',
    does: 'stop: full refund, units back',
  },
  26: {
    when: 'otherwise',
    next: '—',
    does: '409 `line_shipped`, `line_delivered`: ask for a return',
  },
  27: {
    next: 'cancelling or same',
    does: 'nothing given out: the money is done, stop. Else, or completed, `order_stuck`',
  },
  28: {
    next: 'same',
    does:
      'course silent: `order_stuck`, after 24 h `refund_requested`. Goods late: `order_stuck`. ' +
      'Refund silent for 24 h: asked again, `order_stuck`',
  },
  29: { next: 'same', does: '`order_refunded`, cause `dispute`: enrolments go' },
  30: {
    next: 'same, cancelled when both are done',
    does: '`order_cancelled` once stock and money are back',
  },
  31: { next: 'same', does: 'ignored: the answer to the stop request follows on the same key' },
  32: {
    next: 'same',
    does: 'asks again every 10 min with `order_stuck`; cancelling again answers 202 without effect',
  },
  33: { next: 'same', does: 'ignored and noted; cancelling again answers 200 without effect' },
}

/** Pairs that the table lists. */
function pairs(): { state: State; event: Happening['kind']; rows: readonly number[] }[] {
  return states.flatMap(state =>
    happenings.flatMap(event => {
      const rule = ruleOf(state, event)
      return rule === undefined ? [] : [{ state, event, rows: rule.rows }]
    }),
  )
}

/** The 33 rows as a Markdown table. */
function rowsTable(): string {
  const lines = Object.entries(rowTexts).map(([no, { when, next, does }]) => {
    const listed = pairs().filter(({ rows }) => rows.includes(Number(no)))
    const absence = absences[Number(no)]
    const inStates = absence ? [absence.state] : unique(listed.map(({ state }) => state))
    const events = absence ? [absence.event] : unique(listed.map(({ event }) => event))
    const happens = `${events.join(' · ')}${when === undefined ? '' : `, ${when}`}`
    return `| ${no} | ${inStates.join(', ')} | ${happens} | ${next} | ${does} |`
  })
  return ['| # | state | event | next | does |', '| --- | --- | --- | --- | --- |', ...lines].join(
    '\n',
  )
}

/** The ways between states as a Mermaid state diagram; ways that stay are left out. */
function diagram(): string {
  const ways = new Map<string, string[]>()
  for (const { state, event } of pairs()) {
    for (const next of ruleOf(state, event)?.next ?? []) {
      if (next === state) continue
      const way = `${state} --> ${next}`
      ways.set(way, [...(ways.get(way) ?? []), event])
    }
  }
  return [
    'stateDiagram-v2',
    '  [*] --> placed',
    ...[...ways].map(([way, events]) => `  ${way}: ${events.join(', ')}`),
    '  completed --> [*]',
    '  cancelled --> [*]',
  ].join('\n')
}

/** The whole page. */
export function sagaPage(): string {
  return `# The checkout saga

Made from \`services/orders/src/checkout/saga-table.ts\` by \`npm run docs\`; a test compares it.

Each request is an event of the order. Catalog, payments and courses act by state, answer each request,
and answer again when they are asked again. \`stop\` asks for the release of the stock and the void of the
payment, each unless it is done. A pair of state and event that is not listed is ignored and counted in
\`saga_ignored_total{state,event}\`.

\`\`\`mermaid
${diagram()}
\`\`\`

${rowsTable()}
`
}

function unique<T>(values: readonly T[]): T[] {
  return [...new Set(values)]
}
