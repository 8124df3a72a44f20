import { freshKey } from '../../prove/client.ts'
import { type Exit, exit } from '../exit.ts'
import { type Operation, operate } from '../operation.ts'
import type { CommonOptions } from '../options.ts'
import { openGateway } from './gateway.ts'

/** Options of `campus sagas retry` and `compensate`. */
export interface ActOptions {
  readonly gateway?: string
  readonly reason?: string
  readonly dryRun?: boolean
}

/** Retries or compensates a saga. */
export async function act(
  action: 'retry' | 'compensate',
  orderId: string,
  options: CommonOptions & ActOptions,
): Promise<void> {
  await operate(options, operation => actOnSaga(operation, action, orderId, options))
}

/** @see act */
export async function actOnSaga(
  operation: Operation,
  action: 'retry' | 'compensate',
  orderId: string,
  { gateway: url, reason, dryRun }: ActOptions,
): Promise<Exit> {
  const gateway = await openGateway(operation, url)
  const path = `/v1/sagas/${encodeURIComponent(orderId)}`
  if (dryRun === true) {
    const { body } = await gateway.ask('GET', path)
    operation.output.record({ would: action, orderId, state: body.state })
    return exit.done
  }
  const { body } = await gateway.ask('POST', `${path}/${action}`, {
    key: freshKey(),
    ...(reason !== undefined && { body: { reason } }),
  })
  operation.output.record({ outcome: 'asked', action, orderId, state: body?.state })
  return exit.done
}
