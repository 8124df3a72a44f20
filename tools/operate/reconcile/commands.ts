import type { Command } from 'commander'
import { moment, operatorCommand, seconds } from '../options.ts'

/** `campus reconcile`: whether what was published has arrived. Read-only. */
export function registerReconcile(program: Command): void {
  operatorCommand(
    program,
    'reconcile [service]',
    'Compare sources with their consumers, and archives with topics; the exit code is 1 on a loss.',
  )
    .option('--since <moment>', 'compare archives with topics from then on', moment, moment('24h'))
    .option('--settle <seconds>', 'leave out what was published so recently', seconds, 30)
    .action(async (service, options) =>
      (await import('./reconcile.ts')).reconcile(service, options),
    )
}
