import { type Command, Option } from 'commander'
import { operatorCommand } from '../options.ts'

/** `campus sagas`: purchases in progress, over the gateway. */
export function registerSagas(program: Command): void {
  const sagas = program
    .command('sagas')
    .description('Look at purchases in progress; help stuck ones.')
  const overGateway = (usage: string, description: string) =>
    operatorCommand(sagas, usage, description).addOption(
      new Option('--gateway <url>', 'the gateway; with it, CAMPUS_TOKEN is the access token'),
    )

  overGateway('ls', 'Show sagas.')
    .option('--state <state>', 'only this state, e.g. capturing')
    .option('--stuck', 'only those that wait for a person')
    .action(async options => (await import('./ls.ts')).ls(options))

  overGateway('show <orderId>', 'Show one saga with its steps.').action(async (id, options) =>
    (await import('./show.ts')).show(id, options),
  )

  overGateway('retry <orderId>', 'Ask again for what the saga waits for.')
    .option('--dry-run', 'print what would be asked')
    .action(async (id, options) => (await import('./act.ts')).act('retry', id, options))

  overGateway('compensate <orderId>', 'Cancel the order: give stock and money back.')
    .requiredOption('--reason <text>', 'why')
    .option('--dry-run', 'print what would be asked')
    .action(async (id, options) => (await import('./act.ts')).act('compensate', id, options))
}
