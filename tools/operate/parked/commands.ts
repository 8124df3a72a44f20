import type { Command } from 'commander'
import { operatorCommand, withPersonalData } from '../options.ts'

/** `campus parked`: events that a consumer could not apply, and what waits behind them. */
export function registerParked(program: Command): void {
  const parked = program.command('parked').description('Look at parked events and settle them.')

  operatorCommand(parked, 'ls', 'Show what is parked, by consumer and key.')
    .option('--consumer <name>', 'only this consumer, e.g. orders.checkout')
    .option('--class <name>', 'only keys whose first event failed so, e.g. TypeError or gap')
    .action(async options => (await import('./ls.ts')).ls(options))

  withPersonalData(
    operatorCommand(parked, 'show <consumer> <key>', 'Show the parked events of a key in order.'),
  ).action(async (consumer, key, options) =>
    (await import('./show.ts')).show({ consumer, key }, options),
  )

  operatorCommand(
    parked,
    'retry <consumer> [key]',
    'Let the running service apply a key again, in order.',
  )
    .option('--all', 'every parked key of the consumer')
    .option('--class <name>', 'with --all: only keys whose first event failed so')
    .option('--accept-gap', 'the missing version will never come; needs --reason')
    .option('--reason <text>', 'why')
    .option('--dry-run', 'print what would be retried')
    .action(async (consumer, key, options) =>
      (await import('./retry.ts')).retry({ consumer, key }, options),
    )

  operatorCommand(
    parked,
    'discard <consumer> <key>',
    'Give up the first parked event of a key; what is behind it is applied.',
  )
    .requiredOption('--reason <text>', 'why; it is kept with the event')
    .option('--event-id <id>', 'refuse unless this is the first event of the key')
    .option('--whole-key', 'give up every parked event of the key')
    .option('--dry-run', 'print what would be discarded')
    .action(async (consumer, key, options) =>
      (await import('./discard.ts')).discard({ consumer, key }, options),
    )

  operatorCommand(parked, 'ack <consumer> [key]', 'Silence the alert of a key.')
    .option('--all', 'every parked key of the consumer')
    .option('--undo', 'let it alert again')
    .option('--dry-run', 'print what would be acknowledged')
    .action(async (consumer, key, options) =>
      (await import('./ack.ts')).ack({ consumer, key }, options),
    )
}
