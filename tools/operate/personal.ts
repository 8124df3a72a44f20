import { profilesTopic } from '@campus/contracts/topics'
import { refusal } from './exit.ts'
import type { PersonalOptions } from './options.ts'
import type { Output } from './output.ts'

/** The one topic with names and addresses of people. */
export function isPersonal(topic: string): boolean {
  return topic === profilesTopic
}

/**
 * Whether personal data may be shown. The reason is printed, so that it stands in the log of whoever
 * runs this.
 *
 * @throws CliError (exit code 4) for `--include-personal` without a reason
 */
export function mayShowPersonal(options: PersonalOptions, output: Output, by: string): boolean {
  if (options.includePersonal !== true) return false
  const reason = options.reason?.trim() ?? ''
  if (reason === '') throw refusal('--include-personal needs a --reason.')
  output.warn(`${new Date().toISOString()} ${by} looks at personal data: ${reason}`)
  return true
}

/** @throws CliError (exit code 4) when a topic with personal data is asked for without a reason */
export function refusePersonal(topic: string, isShown: boolean): void {
  if (!isPersonal(topic) || isShown) return
  throw refusal(`${topic} holds names and addresses. Add --include-personal and a --reason.`)
}

/** The same text without mail addresses: errors of mail servers repeat them. */
export function withoutAddresses(text: string | null): string | null {
  return text?.replace(/[^\s<>"'(),:;]+@[^\s<>"'(),:;]+/g, '<address>') ?? null
}
