import { type Command, Option } from 'commander'
import { operatorCommand } from '../options.ts'

/** `campus effects`: mails and calls of the payment provider. */
export function registerEffects(program: Command): void {
  const effects = program
    .command('effects')
    .description('Look at effects; decide the unclear ones.')

  operatorCommand(effects, 'ls', 'Show effects without a certain end; their content is not shown.')
    .addOption(
      new Option('--state <state...>', 'only these').choices([
        'pending',
        'sending',
        'sent',
        'ambiguous',
        'failed',
        'suppressed',
      ]),
    )
    .option('--kind <name>', 'only this kind, e.g. mail')
    .action(async options => (await import('./ls.ts')).ls(options))

  operatorCommand(effects, 'resolve <id> <outcome>', 'Decide an ambiguous or failed effect.')
    .addHelpText('after', '\nThe outcome is "sent" (it arrived) or "retry" (carry it out again).')
    .option('--reason <text>', 'how you know; it is kept with the effect')
    .option('--dry-run', 'print what would be decided')
    .action(async (id, outcome, options) =>
      (await import('./resolve.ts')).resolve({ id, outcome }, options),
    )
}
