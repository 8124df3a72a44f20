/**
 * `waiting → pending → sent | ambiguous | failed`; `waiting → failed`; `suppressed`, from the beginning
 * or from `pending`, for what its recipient does not want.
 */
export type DeliveryState = 'waiting' | 'pending' | 'sent' | 'ambiguous' | 'failed' | 'suppressed'

/** Why somebody is not told of an event. */
export type Silence = 'replay' | 'too_old' | 'switched_off' | 'owner_unknown'

/**
 * Whether an event is told to anybody: N3. A replay repeats what was told before, and late news are
 * worse than none.
 *
 * @returns undefined when it is told
 */
export function silenceOf(
  { replayId, until }: { readonly replayId: string | undefined; readonly until: Date },
  now: Date,
): Silence | undefined {
  if (replayId !== undefined) return 'replay'
  return until <= now ? 'too_old' : undefined
}
