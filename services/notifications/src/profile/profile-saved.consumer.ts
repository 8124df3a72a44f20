import { profileSaved } from '@campus/contracts/events/users'
import { asId, type UserId } from '@campus/contracts/ids'
import { defineConsumer, on } from '@campus/platform/events/consumer'
import type { Static } from 'typebox'
import { eraseProfile, saveProfile } from './profile.store.ts'

/** Keeps the names and addresses that mails need. */
export const profileConsumer = defineConsumer({
  name: 'notifications.profiles',
  kind: 'projection',
  onBootstrap: 'replay',
  handlers: [
    on(profileSaved, async ({ tx, event, now }) => {
      // The topic is compacted: its tombstones carry nothing.
      const data: Static<typeof profileSaved.schema> | null = event.data
      if (data === null) await eraseProfile(tx, asId<UserId>(event.subject), now)
      else await saveProfile(tx, data)
    }),
  ],
})
