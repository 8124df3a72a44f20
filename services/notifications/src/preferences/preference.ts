import { refuseAll } from '@campus/platform/errors'
import { type Static, Type } from 'typebox'
import { refuse } from '../errors.ts'
import { type Category, categories } from '../message/message.ts'

/** Where a person is told; webhooks belong to systems. */
export type PersonalChannel = 'mail' | 'in_app'

const personalChannels: readonly PersonalChannel[] = ['mail', 'in_app']

/** A category on a channel: what is switched on and off. */
export type Topic = `${Category}:${PersonalChannel}`

/** What somebody has chosen. */
export interface Preference {
  /** Raised by each change, from 0: nothing was ever chosen. */
  readonly version: number
  readonly switchedOff: readonly Topic[]
}

/** Whether each channel is on. */
export const Channels = Type.Object({ mail: Type.Boolean(), in_app: Type.Boolean() })
export type Channels = Static<typeof Channels>

/** The switches of every category. */
export const AllChannels = Type.Object({
  security: Channels,
  account: Channels,
  orders: Channels,
  learning: Channels,
  library: Channels,
  teams: Channels,
})

/** Choices by category; what is left out is on. */
export const Choice = Type.Partial(AllChannels)
export type Choice = Static<typeof Choice>

/** The only category that cannot be switched off: N2. */
const mandatory: Category = 'security'

/** Which channels bring news of `category`. */
export function channelsOf({ switchedOff }: Preference, category: Category): Channels {
  const isOn = (channel: PersonalChannel) => !switchedOff.includes(`${category}:${channel}`)
  return { mail: isOn('mail'), in_app: isOn('in_app') }
}

/**
 * What `choice` switches off, in a fixed order.
 *
 * @throws AppError `notifications.category_mandatory`
 */
export function switchedOffBy(choice: Choice): Topic[] {
  const off = categories.flatMap(category =>
    personalChannels
      .filter(channel => choice[category]?.[channel] === false)
      .map((channel): Topic => `${category}:${channel}`),
  )
  refuseAll(
    off.some(topic => topic.startsWith(`${mandatory}:`)) ? [refuse.category_mandatory()] : [],
  )
  return off
}

/** One switch that was moved. */
export interface Change {
  readonly category: Category
  readonly channel: PersonalChannel
  readonly enabled: boolean
}

/** The switches that differ between two choices. */
export function changesBetween(before: readonly Topic[], after: readonly Topic[]): Change[] {
  return categories.flatMap(category =>
    personalChannels
      .map(channel => ({ category, channel, topic: `${category}:${channel}` as const }))
      .filter(({ topic }) => before.includes(topic) !== after.includes(topic))
      .map(({ channel, topic }) => ({ category, channel, enabled: !after.includes(topic) })),
  )
}
