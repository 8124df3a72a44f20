import { AsyncLocalStorage } from 'node:async_hooks'
import { randomBytes } from 'node:crypto'

/**
 * What the code that runs now is part of: the story (correlation), its cause and who started it.
 *
 * The HTTP server opens a flow per request, the consumer runtime one per event, a job one per run.
 * `emit` copies it into the outbox row and the logger into each line, so nobody passes it on by hand.
 */
export interface Flow {
  /** The story's first request, kept over every hop. */
  readonly correlationId: string
  /** Id of the event or request that caused what happens now. */
  readonly causationId: string
  /** `user:<id>`, `service:<name>`, `timer` or `anonymous`. */
  readonly actor: string
  /** W3C trace context that is the parent of whatever happens now. */
  readonly traceparent: string
  /** Set while a replay runs: its id travels on every event that the replay causes. */
  readonly replayId?: string
  /** Effects are written as `suppressed` instead of `pending`: bootstrap and replay. */
  readonly suppressEffects?: boolean
}

const storage = new AsyncLocalStorage<Flow>()

/** The flow of the caller, or undefined outside a request, an event and a job. */
export function currentFlow(): Flow | undefined {
  return storage.getStore()
}

/** Runs `work` as part of `flow`. */
export function withFlow<T>(flow: Flow, work: () => T): T {
  return storage.run(flow, work)
}

/** Changes the current flow for the rest of its asynchronous context, e.g. once the user is known. */
export function amendFlow(change: Partial<Flow>): void {
  const flow = storage.getStore()
  if (flow !== undefined) storage.enterWith({ ...flow, ...change })
}

/**
 * A new root trace context, sampled.
 *
 * @see https://www.w3.org/TR/trace-context/
 */
export function newTraceparent(): string {
  return `00-${randomBytes(16).toString('hex')}-${randomBytes(8).toString('hex')}-01`
}
