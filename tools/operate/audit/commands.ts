import type { Command } from 'commander'
import { operatorCommand, seconds } from '../options.ts'

/** `campus audit`: what must hold across services. Read-only. */
export function registerAudit(program: Command): void {
  operatorCommand(
    program,
    'audit',
    'Check what must hold across services; the exit code is 1 on a violation.',
  )
    .option('--check <id...>', 'only these, e.g. I1 I9')
    .option('--settle <seconds>', 'check also what changed so recently; each has its own', seconds)
    .option('--watch', 'go on until Ctrl-C')
    .option('--every <seconds>', 'with --watch: time between two rounds', seconds, 60)
    .option(
      '--metrics-port <port>',
      'with --watch: serve metrics on this port of 127.0.0.1',
      seconds,
    )
    .action(async options => (await import('./audit.ts')).audit(options))
}
