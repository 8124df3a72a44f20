import { type Exit, exit } from '../exit.ts'
import { type Operation, operate } from '../operation.ts'
import type { CommonOptions } from '../options.ts'
import { openGateway } from './gateway.ts'

/** Shows one saga with its steps. */
export async function show(
  orderId: string,
  options: CommonOptions & { readonly gateway?: string },
): Promise<void> {
  await operate(options, operation => showSaga(operation, orderId, options))
}

/** @see show */
export async function showSaga(
  operation: Operation,
  orderId: string,
  options: { readonly gateway?: string },
): Promise<Exit> {
  const gateway = await openGateway(operation, options.gateway)
  const { body } = await gateway.ask('GET', `/v1/sagas/${encodeURIComponent(orderId)}`)
  operation.output.record(body)
  return exit.done
}
