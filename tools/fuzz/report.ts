import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'

/** What a run of Schemathesis has found. */
export interface Report {
  /** Requests that were answered. */
  readonly cases: number
  /** Operations that were asked, each with the statuses of its answers. */
  readonly asked: ReadonlyMap<string, ReadonlySet<number>>
  /** Those that have answered 2xx at least once. */
  readonly reached: ReadonlySet<string>
  /** One per operation, check and status. */
  readonly failures: readonly Failure[]
}

/** An answer that is not what the document says, or none. */
export interface Failure {
  readonly check: string
  readonly operation: string
  /** 0: there was no answer. */
  readonly status: number
  readonly text: string
}

/** A line of the report: the parts that are read here. */
interface Line {
  /** A request that could not be made, or had no answer. */
  readonly NonFatalError?: {
    readonly phase: string
    readonly label: string
    readonly value: { readonly type: string; readonly message: string }
  }
  readonly ScenarioFinished?: {
    readonly phase: string
    readonly recorder: {
      /** The operation under test, e.g. `GET /v1/products`. */
      readonly label: string
      readonly cases: Readonly<Record<string, { value: { method: string; path: string } }>>
      readonly interactions?: Readonly<Record<string, { response: { status_code: number } | null }>>
      readonly checks?: Readonly<Record<string, readonly Check[]>>
    }
  }
}

interface Check {
  readonly name: string
  readonly status: string
  readonly failure_info?: { readonly failure?: { readonly message?: string } } | null
}

/** How much of a failure is shown, in characters. */
const textLengthMax = 300

/** Reads a report in the tool's format of one JSON object a line; it may have hundreds of megabytes. */
export async function readReport(file: string): Promise<Report> {
  let cases = 0
  const asked = new Map<string, Set<number>>()
  const reached = new Set<string>()
  const failures = new Map<string, Failure>()
  function note(failure: Failure): void {
    const { check, operation, status, text } = failure
    const shown = text.replaceAll(/\s+/g, ' ').slice(0, textLengthMax)
    failures.set(`${check} ${operation} ${status}`, { ...failure, text: shown })
  }
  for await (const text of createInterface({ input: createReadStream(file) })) {
    const { NonFatalError: error, ScenarioFinished: scenario }: Line = JSON.parse(text)
    if (error !== undefined) {
      const { type: check, message } = error.value
      note({ check, operation: error.label, status: 0, text: message })
    }
    // The tool also tries to sign somebody up; that is no part of the run.
    if (scenario === undefined || scenario.phase === 'auth_bootstrap') continue
    const { label, cases: made, interactions = {}, checks = {} } = scenario.recorder
    for (const [id, { response }] of Object.entries(interactions)) {
      const one = made[id]?.value
      if (response === null || one === undefined) continue
      const status = response.status_code
      cases += 1
      const name = `${one.method} ${one.path}`
      // A chain of operations has no one of its own.
      const operation = label.includes(' /') ? label : name
      asked.set(operation, (asked.get(operation) ?? new Set()).add(status))
      // Some requests try another method on purpose.
      if (operation === name && status >= 200 && status < 300) reached.add(operation)
      for (const check of checks[id] ?? []) {
        if (check.status !== 'failure') continue
        const message = check.failure_info?.failure?.message ?? JSON.stringify(check.failure_info)
        note({ check: check.name, operation, status, text: message })
      }
    }
  }
  return { cases, asked, reached, failures: [...failures.values()] }
}

/** A report in words, to be printed. */
export function describe(name: string, { cases, reached, asked, failures }: Report): string {
  const errors = failures.filter(({ check }) => check === 'not_a_server_error')
  return [
    `${name}: ${cases} requests; ${reached.size} of ${asked.size} operations answered 2xx at least ` +
      `once; ${errors.length} server errors, ${failures.length - errors.length} violations`,
    ...failures.map(({ check, operation, status, text }) => {
      return `  ${check}  ${operation}  ${status}  ${text}`
    }),
    '',
  ].join('\n')
}

/** What several runs say together of all operations of a document. */
export function conclude(
  operations: readonly string[],
  reports: readonly Report[],
): { readonly isGood: boolean; readonly text: string } {
  const missed = operations.filter(one => !reports.some(({ reached }) => reached.has(one)))
  const reachedCount = operations.length - missed.length
  return {
    isGood:
      missed.length === 0 &&
      reports.every(({ cases, failures }) => cases > 0 && failures.length === 0),
    text: [
      ...missed.map(operation => {
        const statuses = new Set(reports.flatMap(({ asked }) => [...(asked.get(operation) ?? [])]))
        return `  not ${operation}: ${[...statuses].join(', ')}`
      }),
      `${reachedCount} of ${operations.length} operations answered 2xx to somebody`,
      '',
    ].join('\n'),
  }
}
