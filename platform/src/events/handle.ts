import type { Event } from '@campus/contracts/envelope'
import type { Clock } from '../clock.ts'
import { AbandonedWork, type Tx } from '../data/postgres.ts'
import { type Flow, newTraceparent, withFlow } from '../process/flow.ts'
import { withSpan } from '../process/tracing.ts'
import type { Handler } from './consumer.ts'
import { processAttributes } from './spans.ts'

/** A handler did not settle within its deadline. */
export class HandlerTimeout extends AbandonedWork {
  override readonly name = 'HandlerTimeout'
}

export interface HandleDeps {
  readonly clock: Clock
  /** An event may take this long; a handler that does not settle by then is given up. */
  readonly eventMs: number
}

/**
 * Runs one handler in the transaction of its inbox row, as part of the story that the event belongs to.
 *
 * @param options.suppressEffects effects become rows that are never carried out
 * @throws HandlerTimeout, or whatever the handler throws
 */
export async function handle(
  tx: Tx,
  { clock, eventMs }: HandleDeps,
  { consumer, handler, event }: { consumer: string; handler: Handler; event: Event },
  options: { readonly suppressEffects: boolean },
): Promise<void> {
  const flow: Flow = {
    correlationId: event.correlationId,
    causationId: event.id,
    actor: event.actor,
    traceparent: event.traceparent === '' ? newTraceparent() : event.traceparent,
    suppressEffects: options.suppressEffects,
    ...(event.replayId !== undefined && { replayId: event.replayId }),
  }
  const deadline = new AbortController()
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const error = new HandlerTimeout(`${consumer} did not finish ${event.type} in ${eventMs} ms.`)
      deadline.abort(error)
      reject(error)
    }, eventMs)
  })
  try {
    await withFlow(flow, () =>
      withSpan(`process ${event.type}`, 'consumer', processAttributes(consumer, event), () =>
        Promise.race([
          handler.handle({ event, tx, now: clock.now(), signal: deadline.signal }),
          late,
        ]),
      ),
    )
  } finally {
    clearTimeout(timer)
  }
}
