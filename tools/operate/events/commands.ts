import type { Command } from 'commander'
import { moment, operatorCommand, seconds, withPersonalData } from '../options.ts'

/** `campus events`: what is on the topics. Read-only. */
export function registerEvents(program: Command): void {
  const events = program.command('events').description('See what happened.')

  operatorCommand(events, 'ls', 'Show the topics with their counts and times.').action(
    async options => (await import('./ls.ts')).ls(options),
  )

  withPersonalData(operatorCommand(events, 'tail', 'Print events as they come, until Ctrl-C.'))
    .option('--topic <name...>', 'only these topics; the default is all without personal data')
    .option('--type <pattern>', 'only these types, e.g. "orders.*.v1"')
    .option('--key <key>', 'only this aggregate, e.g. order:<id>')
    .option('--since <moment>', 'begin in the past: RFC 3339, or e.g. 15m', moment)
    .action(async options => (await import('./tail.ts')).tail(options))

  withPersonalData(
    operatorCommand(events, 'show <eventId>', 'Show one event, and who has applied or parked it.'),
  ).action(async (id, options) => (await import('./show.ts')).show(id, options))

  withPersonalData(operatorCommand(events, 'grep', 'Find events; the exit code is 2 without any.'))
    .option('--topic <name...>', 'only these topics; the default is all without personal data')
    .option('--type <pattern>', 'e.g. "orders.*.v1"')
    .option('--key <key>', 'the aggregate, e.g. order:<id>')
    .option('--since <moment>', 'RFC 3339, or e.g. 2h', moment)
    .option('--until <moment>', 'RFC 3339, or e.g. 1h', moment)
    .option('--correlation <id>', 'part of this story')
    .option('--limit <count>', 'stop after so many', seconds, 1_000)
    .action(async options => (await import('./grep.ts')).grep(options))

  withPersonalData(
    operatorCommand(
      events,
      'trace <correlationId>',
      'Tell the story of one request across the services, with its mails.',
    ),
  ).action(async (id, options) => (await import('./trace.ts')).trace(id, options))
}
