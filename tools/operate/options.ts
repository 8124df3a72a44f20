import { type Command, InvalidArgumentError, Option } from 'commander'
import { defaultHome } from '../local/home.ts'

/** What every command of the operator understands. */
export interface CommonOptions {
  readonly home: string
  /** `local` is the mesh of the home; any other name stands for the addresses in the environment. */
  readonly context: string
  readonly json?: boolean
  /** Longest wait, in seconds. */
  readonly timeout: number
}

/** Options that open what holds names and addresses of people. */
export interface PersonalOptions {
  readonly includePersonal?: boolean
  readonly reason?: string
}

/** Declares a command with the options that all commands have. */
export function operatorCommand(group: Command, usage: string, description: string): Command {
  return group
    .command(usage)
    .description(description)
    .addOption(
      new Option('--home <folder>', 'the mesh to operate on').default(
        defaultHome,
        '.campus in the repository',
      ),
    )
    .option('--context <name>', '"local", or a name for the addresses in the environment', 'local')
    .option('--json', 'print one JSON object a line')
    .option('--timeout <seconds>', 'longest wait', seconds, 30)
}

/** Adds the options that lift the protection of personal data. */
export function withPersonalData(command: Command): Command {
  return command
    .option('--include-personal', 'also show what holds names and addresses; needs --reason')
    .option('--reason <text>', 'why; it is printed for the record')
}

/** Parses a number of seconds or things, from 0. */
export function seconds(text: string): number {
  const value = Number(text)
  if (text.trim() === '' || !Number.isFinite(value) || value < 0) {
    throw new InvalidArgumentError('A number from 0 is needed.')
  }
  return value
}

const unitMs: Readonly<Record<string, number>> = {
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
}

/** Parses a moment: RFC 3339, or a time before now such as `90s`, `15m`, `2h`, `7d`. */
export function moment(text: string): Date {
  const match = /^(\d+)([smhd])$/.exec(text)
  if (match !== null) {
    return new Date(Date.now() - Number(match[1]) * (unitMs[String(match[2])] ?? 0))
  }
  const isDate = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2})$/.test(text)
  if (!isDate || Number.isNaN(Date.parse(text))) {
    throw new InvalidArgumentError(
      'A moment such as 2026-11-20T08:00:00Z, or 90s, 15m, 2h, 7d ago.',
    )
  }
  return new Date(text)
}
