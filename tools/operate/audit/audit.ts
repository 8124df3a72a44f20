import { once } from 'node:events'
import { createServer } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { createMetrics, type Gauge } from '@campus/platform/process/metrics'
import { CliError } from '../../cli-error.ts'
import { type Exit, exit } from '../exit.ts'
import { type Operation, operate } from '../operation.ts'
import type { CommonOptions } from '../options.ts'
import type { Check } from './check.ts'
import { auditRound, checks, type Finding } from './round.ts'

/** Options of `campus audit`. */
export interface AuditOptions {
  readonly check?: readonly string[]
  /** Instead of the settle time of each check, in seconds. */
  readonly settle?: number
  readonly watch?: boolean
  /** Seconds between two rounds. */
  readonly every: number
  readonly metricsPort?: number
}

/** Ids that are shown of one check; the rest is a number. */
const samplesMax = 20

/** Checks what must hold across services, once or until Ctrl-C. */
export async function audit(options: CommonOptions & AuditOptions): Promise<void> {
  await operate(options, operation =>
    options.watch === true
      ? watchInvariants(operation, options)
      : checkInvariants(operation, options),
  )
}

/** One round. @see audit */
export async function checkInvariants(
  operation: Operation,
  options: Pick<AuditOptions, 'check' | 'settle'>,
): Promise<Exit> {
  const findings = await auditRound(operation.audit(), choose(options), options.settle)
  report(operation, findings)
  return findings.every(({ violations }) => violations.length === 0) ? exit.done : exit.failed
}

/** Rounds until the signal, with metrics for those that went before. @see audit */
export async function watchInvariants(operation: Operation, options: AuditOptions): Promise<Exit> {
  const { signal, output } = operation
  const metrics = createMetrics({ service: 'audit' })
  const gauge: Gauge<'check'> = metrics.gauge(
    'campus_invariant_violations',
    'Violations that the last round has found.',
    ['check'],
  )
  const ended = metrics.gauge(
    'campus_audit_round_timestamp_seconds',
    'End of the last whole round.',
  )
  const server = createServer((_request, response) => {
    metrics.render().then(
      text => response.setHeader('content-type', metrics.registry.contentType).end(text),
      () => response.writeHead(500).end(),
    )
  })
  if (options.metricsPort !== undefined) {
    server.listen(options.metricsPort, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    const port = typeof address === 'object' ? address?.port : options.metricsPort
    output.warn(`Metrics: http://127.0.0.1:${port}/metrics`)
  }
  let hasViolation = false
  while (!signal.aborted) {
    try {
      const findings = await auditRound(operation.audit(), choose(options), options.settle)
      for (const { check, violations } of findings)
        gauge.set({ check: check.id }, violations.length)
      ended.set(Date.now() / 1_000)
      hasViolation = findings.some(({ violations }) => violations.length > 0)
      // A round without news is one line for people; programs get every round in full.
      if (hasViolation || output.isJson) report(operation, findings)
      else output.say(`${new Date().toISOString()}  all ${findings.length} checks hold`)
    } catch (error) {
      if (error instanceof CliError) throw error
      // The next round may find the database again; the age of the last whole round shows this one.
      output.warn(`This round has failed: ${String(error)}`)
    }
    await delay(options.every * 1_000, undefined, { signal }).catch(() => undefined)
  }
  server.close()
  server.closeAllConnections()
  return hasViolation ? exit.failed : exit.done
}

function choose({ check: ids }: Pick<AuditOptions, 'check'>): readonly Check[] {
  if (ids === undefined) return checks
  const found = checks.filter(({ id }) => ids.some(one => id === one || id.startsWith(`${one}.`)))
  if (found.length > 0) return found
  throw new CliError(`There is no such check. Checks: ${checks.map(({ id }) => id).join(', ')}.`)
}

function report({ output }: Operation, findings: readonly Finding[]): void {
  output.table(
    findings.map(({ check, violations }) => ({
      check: check.id,
      violations: violations.length,
      mustHold: check.mustHold,
      ...(output.isJson && { samples: violations.slice(0, samplesMax) }),
    })),
    '',
  )
  if (output.isJson) return
  for (const { check, violations } of findings.filter(one => one.violations.length > 0)) {
    output.say(`\n${check.id}: ${violations.length} violations`)
    output.table(violations.slice(0, samplesMax), '')
  }
}
