import { CliError } from '../cli-error.ts'

/** Exit codes of the operator's commands, the same for all of them. */
export const exit = {
  done: 0,
  /** A violation was found, or the command failed. */
  failed: 1,
  nothingToDo: 2,
  someParked: 3,
  refused: 4,
} as const

/** One of the exit codes. */
export type Exit = (typeof exit)[keyof typeof exit]

/** A safety rule forbids it; the message names the remedy. */
export function refusal(message: string): CliError {
  return new CliError(`Refused: ${message}`, exit.refused)
}

/** What was asked for is not there. */
export function nothing(message: string): CliError {
  return new CliError(message, exit.nothingToDo)
}
