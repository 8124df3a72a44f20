import type { Command } from 'commander'
import { operatorCommand } from '../options.ts'

/** `campus consumers`: whether they consume. */
export function registerConsumers(program: Command): void {
  const consumers = program.command('consumers').description('Look at consumers and resume them.')

  operatorCommand(consumers, 'ls', 'Show every consumer and whether it has stopped.').action(
    async options => (await import('./ls.ts')).ls(options),
  )

  operatorCommand(consumers, 'resume <consumer>', 'Let a consumer go on that has stopped itself.')
    .option('--dry-run', 'print what would be resumed')
    .action(async (consumer, options) => (await import('./resume.ts')).resume(consumer, options))
}
