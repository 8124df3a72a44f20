import { type Static, Type } from 'typebox'
import type { Category } from '../message/message.ts'
import { AllChannels, channelsOf, type Preference } from './preference.ts'

export const PreferenceView = Type.Object({
  preferences: Type.Object(AllChannels.properties, {
    description: 'Whether news of a category come by a channel; those of security always do',
  }),
  version: Type.Integer({ description: 'The ETag' }),
})
export type PreferenceView = Static<typeof PreferenceView>

export function viewOf(preference: Preference): PreferenceView {
  const of = (category: Category) => channelsOf(preference, category)
  return {
    preferences: {
      security: of('security'),
      account: of('account'),
      orders: of('orders'),
      learning: of('learning'),
      library: of('library'),
      teams: of('teams'),
    },
    version: preference.version,
  }
}
