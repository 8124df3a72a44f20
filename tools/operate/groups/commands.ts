import type { Command } from 'commander'
import { operatorCommand } from '../options.ts'

/** `campus groups`: consumer groups as the broker sees them. Read-only. */
export function registerGroups(program: Command): void {
  const groups = program.command('groups').description('Look at consumer groups.')

  operatorCommand(groups, 'ls', 'Show groups with their members.').action(async options =>
    (await import('./ls.ts')).ls(options),
  )

  operatorCommand(groups, 'lag [group]', 'Show committed and last offsets of each partition.')
    .option('--all', 'also partitions without lag')
    .action(async (group, options) => (await import('./lag.ts')).lag(group, options))
}
