import type { Ref } from '@campus/contracts/events/orders'
import type { IntentId } from '@campus/contracts/ids'
import { type Tx, writeTogether } from '@campus/platform/data/postgres'
import { currentFlow, type Flow } from '@campus/platform/process/flow'
import { type Book, carryOutAll, type Step, stepOf } from './carry-out.command.ts'
import { insertIntents, lockIntents } from './intent.store.ts'
import type { Intent } from './intent.ts'
import type { Outcome } from './lifecycle.ts'

/** What is decided about an intent. */
export interface Decided {
  readonly outcome: Outcome
  /** What a confirmation adds to its call. */
  readonly token?: string
  /** The story that it is part of, when that is not the caller's. */
  readonly flow?: Flow
}

/** Something that an intent is told. */
export interface Matter {
  /** A Ref without an intent, and an unknown intent, are told nothing. */
  readonly about: { readonly ref: Ref } | { readonly id: IntentId }
  /** Is added first, unless its Ref has an intent. */
  readonly made?: Intent
  /** @param isMade whether it was added just now. @returns undefined when nothing is to be done */
  readonly decide: (intent: Intent, isMade: boolean) => Decided | undefined
  readonly now: Date
}

/** Tells an intent something, in the course of a transaction. */
export type TellIntent = (tx: Tx, matter: Matter) => void

interface Told extends Matter {
  readonly flow: Flow | undefined
}

/**
 * Makes a way to tell intents what is asked of them and what the provider says. All that is told in a
 * transaction is decided at its end, one thing after the other, and written together.
 */
export function createTellIntent(book: Book): TellIntent {
  const tell = writeTogether<Told>((tx, told) => decideAll(tx, book, told))
  return (tx, matter) => {
    tell(tx, { ...matter, flow: currentFlow() })
  }
}

async function decideAll(tx: Tx, book: Book, told: readonly Told[]): Promise<void> {
  const made = told.flatMap(matter => matter.made ?? [])
  const added = await insertIntents(tx, made)
  const intents = new Map<string, Intent>()
  const keep = (intent: Intent) => {
    intents.set(intent.id, intent)
    intents.set(nameOf(intent.ref), intent)
  }
  const rest = told.filter(({ made: intent }) => intent === undefined || !added.has(intent.id))
  const locked = await lockIntents(tx, {
    ids: rest.flatMap(({ about }) => ('id' in about ? [about.id] : [])),
    refs: rest.flatMap(({ about }) => ('ref' in about ? [about.ref] : [])),
  })
  for (const intent of [...locked, ...made.filter(({ id }) => added.has(id))]) keep(intent)
  const steps: Step[] = []
  for (const { about, made: own, decide, now, flow } of told) {
    const name = 'id' in about ? about.id : nameOf(about.ref)
    const intent = intents.get(name)
    if (intent === undefined) continue
    const decided = decide(intent, own !== undefined && added.has(own.id))
    if (decided === undefined) continue
    const step = stepOf(intent, decided.outcome, now, { flow, ...decided })
    steps.push(step)
    keep(step.next)
  }
  await carryOutAll(tx, book, steps)
}

function nameOf({ type, id }: Ref): string {
  return `${type} ${id}`
}
