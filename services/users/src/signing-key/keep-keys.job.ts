import { defineJob } from '@campus/platform/process/jobs'
import type { Keyring } from './load-keyring.command.ts'

/** Follows the keys that other replicas make; the first run makes the first key. */
export function keepKeysJob(keyring: Keyring) {
  return defineJob({ name: 'users.keep-keys', periodMs: 60_000, run: () => keyring.load() })
}
