import type { Command } from 'commander'
import { operatorCommand } from '../options.ts'

/** `campus topics`: the topics as the contracts want them. */
export function registerTopics(program: Command): void {
  const group = program.command('topics').description('Create topics, and compare them.')

  operatorCommand(group, 'apply', 'Create the topics that are missing; change no other.')
    .option('--dry-run', 'print what would be created')
    .action(async options => (await import('./apply.ts')).apply(options))

  operatorCommand(
    group,
    'verify',
    'Compare partitions and settings; the exit code is 1 on a difference.',
  ).action(async options => (await import('./verify.ts')).verify(options))
}
