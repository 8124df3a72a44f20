// The `campus` command: a table of contents. Each command is a file of its own, loaded when it is asked
// for, so that `campus status` does not wait for what only `campus up` needs.
// First, for what the commands load later.
import './fast-imports.ts'
import { Command, Option } from 'commander'
import { CliError } from './cli-error.ts'
import { defaultHome } from './local/home.ts'
import { registerAudit } from './operate/audit/commands.ts'
import { registerConsumers } from './operate/consumers/commands.ts'
import { registerEffects } from './operate/effects/commands.ts'
import { registerEvents } from './operate/events/commands.ts'
import { registerGroups } from './operate/groups/commands.ts'
import { registerOutbox } from './operate/outbox/commands.ts'
import { registerParked } from './operate/parked/commands.ts'
import { registerReconcile } from './operate/reconcile/commands.ts'
import { registerSagas } from './operate/sagas/commands.ts'
import { registerTopics } from './operate/topics/commands.ts'

const program = new Command('campus')
  .description('Runs, watches and repairs a Campus mesh.')
  .showHelpAfterError()

/** A command that works on the mesh of a home. */
function meshCommand(name: string, description: string): Command {
  return program
    .command(name)
    .description(description)
    .addOption(
      new Option('--home <folder>', 'folder of data, logs and secrets').default(
        defaultHome,
        '.campus in the repository',
      ),
    )
}

meshCommand('up', 'Start servers and services, and stay until Ctrl-C.')
  .option('--watch', 'run services from their sources and restart them on change')
  .option('--random-ports', 'take free ports instead of the preferred ones')
  .option('--no-seed', 'make no demo accounts and no demo data')
  .action(async options => (await import('./local/up.ts')).up(options))

meshCommand('down', 'Stop the mesh that runs in another terminal.').action(async options =>
  (await import('./local/down.ts')).down(options),
)

meshCommand('status', 'Show what runs; the exit code is 0 when all of it is ready.')
  .option('--json', 'print JSON')
  .action(async options => (await import('./local/status.ts')).status(options))

meshCommand('logs', 'Print the end of the logs.')
  .argument('[name]', 'a service or server; all when absent')
  .option('-f, --follow', 'go on printing until Ctrl-C')
  .action(async (name, options) => (await import('./local/logs.ts')).logs(name, options))

meshCommand('reset', 'Stop the mesh and delete all of its data.')
  .option('--yes', 'do not ask')
  .action(async options => (await import('./local/reset.ts')).reset(options))

meshCommand('demo', 'Buy something as a new person, and show what happened at each hop.')
  .option('--json', 'print JSON')
  .action(async options => (await import('./demo/demo.ts')).demo(options))

program
  .command('doctor')
  .description('Check what "campus up" needs of this machine.')
  .action(async () => (await import('./local/doctor.ts')).doctor())

// For whoever operates a mesh; see docs/operations.md.
registerEvents(program)
registerParked(program)
registerConsumers(program)
registerEffects(program)
registerSagas(program)
registerOutbox(program)
registerGroups(program)
registerTopics(program)
registerReconcile(program)
registerAudit(program)

program
  .command('chaos')
  .description(
    'Break a mesh of its own by a seeded schedule while people buy, and count what is lost.',
  )
  .option('--seed <number>', 'repeats the schedule of another run', Number, Date.now() % 100_000)
  .option('--duration <seconds>', 'how long things break', Number, 240)
  .option('--every <seconds>', 'mean time between two faults', Number, 3)
  .option('--rate <number>', 'journeys begun a second, whatever became of those before', Number, 4)
  .option('--buyers <number>', 'people who buy', Number, 150)
  .option('--json', 'print JSON')
  .option('--keep', 'keep the folder of the mesh with its logs')
  .option('--write', 'also put the run into docs/resilience.md')
  .action(async options => (await import('./prove/chaos/chaos.ts')).chaos(options))

program
  .command('sim')
  .description(
    'Live through simulated worlds, decisions of the services under a bus that misbehaves.',
  )
  .option('--seeds <number>', 'so many worlds', Number, 10_000)
  .option('--seed <number>', 'only this world, with all of its steps', Number)
  .option('--json', 'print JSON')
  .action(async options => (await import('./prove/sim/sim.ts')).sim(options))

program
  .command('bench')
  .description('Measure a mesh of its own, as ratios against the raw limit of the same run.')
  .option('--write', 'also put the table into docs/performance.md')
  .option('--check', 'fail when a figure misses its target by more than a fifth')
  .addOption(
    new Option('--only <part>', 'measure one part').choices([
      'http',
      'checkout',
      'events',
      'search',
    ]),
  )
  .action(async options => (await import('./prove/bench.ts')).bench(options))

try {
  await program.parseAsync()
} catch (error) {
  if (!(error instanceof CliError)) throw error
  process.stderr.write(`${error.message}\n`)
  process.exitCode = error.exitCode
}
