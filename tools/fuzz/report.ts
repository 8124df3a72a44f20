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

/** An answer that is not what the document says. */
export interface Failure {
  readonly check: string
  readonly operation: string
  readonly status: number
  readonly text: string
}

/** A line of the report: the parts that are read here. */
interface Line {
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
  for await (const text of createInterface({ input: createReadStream(file) })) {
    const line: Line = JSON.parse(text)
    const scenario = line.ScenarioFinished
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
        const shown = message.replaceAll(/\s+/g, ' ').slice(0, textLengthMax)
        const key = `${check.name} ${operation} ${status}`
        failures.set(key, { check: check.name, operation, status, text: shown })
      }
    }
  }
  return { cases, asked, reached, failures: [...failures.values()] }
}
