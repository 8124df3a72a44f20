import type { UserId } from '@campus/contracts/ids'
import type { Kafka } from '@campus/platform/events/kafka'
import { defineJob } from '@campus/platform/process/jobs'
import type { Logger } from '@campus/platform/process/logger'
import type { Counter, Gauge } from '@campus/platform/process/metrics'
import { claimCheck, ownersAfter } from './profile.store.ts'
import { type Flaw, flawOf, type LastVersions, ownerOf } from './published-profile.ts'
import { readProfiles } from './read-profiles.command.ts'
import { type RepairDeps, repairProfile } from './repair-profile.command.ts'

export interface CompareDeps extends RepairDeps {
  readonly kafka: Pick<Kafka, 'read'>
  readonly logger: Logger
  /** `users_profile_repairs_total{flaw}`. */
  readonly repairs: Counter<'flaw'>
  /** `users_profiles_compared`: accounts that the last comparison has looked at. */
  readonly compared: Pick<Gauge<never>, 'set'>
}

const hourMs = 3_600_000
/** Another replica's comparison counts as this hour's for so long; the job's period varies a little. */
const claimMs = hourMs / 2
const pageMax = 500
/** More than this would be no repair but a new topic; the next hour goes on. */
const repairsMax = 1_000

/** Once an hour: publishes again what the topic of profiles has lost, kept too old, or should forget. */
export function compareProfilesJob(deps: CompareDeps) {
  const { postgres, kafka, logger, repairs, compared } = deps
  return defineJob({
    name: 'users.compare-profiles',
    periodMs: hourMs,
    deadlineMs: hourMs / 4,
    async run({ now, signal }) {
      const before = new Date(now.getTime() - claimMs)
      const isOurs = await postgres.transaction(tx => claimCheck(tx, now, before))
      if (!isOurs) return
      const last = await readProfiles(kafka, signal)
      const found = await findFlaws(last, now)
      for (const { userId, flaw } of found.slice(0, repairsMax)) {
        signal.throwIfAborted()
        await repairProfile(deps, userId)
        repairs.inc({ flaw })
      }
      if (found.length > 0) logger.warn({ count: found.length }, 'profiles on the topic were wrong')
    },
  })

  async function findFlaws(
    last: LastVersions,
    readAt: Date,
  ): Promise<{ userId: UserId; flaw: Flaw }[]> {
    const found: { userId: UserId; flaw: Flaw }[] = []
    const strays = new Set(
      [...last].flatMap(([key, version]) => (version === null ? [] : (ownerOf(key) ?? []))),
    )
    let count = 0
    let after: UserId | undefined
    for (;;) {
      const page = await postgres.read(tx => ownersAfter(tx, after, pageMax))
      for (const owner of page) {
        // What has changed since the topic was read is on its way.
        const flaw = owner.updatedAt > readAt ? undefined : flawOf(owner, last)
        if (flaw !== undefined) found.push({ userId: owner.id, flaw })
        strays.delete(owner.id)
      }
      count += page.length
      after = page.at(-1)?.id
      if (page.length < pageMax) break
    }
    compared.set(count)
    return [...found, ...[...strays].map(userId => ({ userId, flaw: 'stray' as const }))]
  }
}
