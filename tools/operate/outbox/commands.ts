import type { Command } from 'commander'
import { moment, operatorCommand, seconds } from '../options.ts'

/** `campus outbox`: events that are not published yet, and publishing again. */
export function registerOutbox(program: Command): void {
  const outbox = program.command('outbox').description('Look at outboxes; publish events again.')

  operatorCommand(outbox, 'ls', 'Show what waits, by service and lane.')
    .option('--service <name>', 'only this service')
    .action(async options => (await import('./ls.ts')).ls(options))

  operatorCommand(outbox, 'stuck', 'Show lanes that do not move; the exit code is 1 with any.')
    .option('--older-than <seconds>', 'age of the oldest event', seconds, 30)
    .action(async options => (await import('./stuck.ts')).stuck(options))

  operatorCommand(
    outbox,
    'republish',
    'Publish events of the archive again; consumers pass over what they have.',
  )
    .option('--service <name>', 'only the archive of this service')
    .option('--event-id <id...>', 'these events')
    .option('--key <key>', 'the events of this aggregate')
    .option('--since <moment>', 'events from then on: RFC 3339, or e.g. 2h', moment)
    .option('--until <moment>', 'events before then', moment)
    .option('--allow-large', 'also more than 10000 events')
    .option('--dry-run', 'print what would be published')
    .action(async options => (await import('./republish.ts')).republish(options))
}
