import type { Happening } from './story.ts'
import type { Walk } from './walk.ts'

/** A walk together with what happened behind it. */
export interface Demo extends Walk {
  readonly events: readonly (Happening & { readonly sinceClickMs: number })[]
}

/** Counts the events of a story from the click on. */
export function demoOf(walked: Walk, happenings: readonly Happening[]): Demo {
  const events = happenings.map(one => ({
    ...one,
    sinceClickMs: Date.parse(one.at) - walked.clickedAt.getTime(),
  }))
  return { ...walked, events }
}

/** A demo for people: their requests, then what the services told each other. */
export function timeline(demo: Demo): string {
  const { hops, events, mail, buyer, article, orderId, story } = demo
  const offset = (ms: number) => `${ms < 0 ? '-' : '+'}${Math.abs(Math.round(ms))} ms`.padStart(10)
  const width = Math.max(...events.map(({ service }) => service.length), 0)
  return [
    `${buyer} buys "${article}".`,
    '',
    'What they asked of the API',
    '',
    ...hops.flatMap(({ what, method, path, status, tookMs }) => [
      `  ${`${Math.round(tookMs)} ms`.padStart(8)}  ${status}  ${what}`,
      `                 ${method} ${path}`,
    ]),
    '',
    'What the services told each other, from the click on "buy"',
    '',
    ...events.flatMap(({ sinceClickMs, service, what, topic, partition, offset: at, outcome }) => [
      `${offset(sinceClickMs)}  ${service.padEnd(width)}  ${what}`,
      ...(topic === null
        ? [`${' '.repeat(14 + width)}${outcome}`]
        : [`${' '.repeat(14 + width)}${topic}[${partition}] offset ${at}  → ${outcome}`]),
    ]),
    '',
    `Confirmed ${demo.confirmedMs} ms after the click; the mail "${mail.subject}" was there after ` +
      `${demo.mailedMs} ms:`,
    '',
    ...mail.text
      .trim()
      .split('\n')
      .map(line => `  ${line}`.trimEnd()),
    '',
    `Order ${orderId}; all of it again: campus events trace ${story}`,
    '',
  ].join('\n')
}
