import { type Exit, exit } from '../exit.ts'
import { type Operation, operate } from '../operation.ts'
import type { CommonOptions } from '../options.ts'
import type { Row } from '../output.ts'
import { openGateway } from './gateway.ts'

/** Options of `campus sagas ls`. */
export interface SagasLsOptions {
  readonly gateway?: string
  readonly state?: string
  readonly stuck?: boolean
}

/** A page is as long as the gateway allows; this many are shown at most. */
const pagesMax = 50

/** Shows sagas. */
export async function ls(options: CommonOptions & SagasLsOptions): Promise<void> {
  await operate(options, operation => listSagas(operation, options))
}

/** @see ls */
export async function listSagas(operation: Operation, options: SagasLsOptions): Promise<Exit> {
  const gateway = await openGateway(operation, options.gateway)
  const query = new URLSearchParams()
  if (options.state !== undefined) query.set('state', options.state)
  if (options.stuck === true) query.set('stuck', 'true')
  const rows: Row[] = []
  for (let page = 0; page < pagesMax; page += 1) {
    const { body } = await gateway.ask('GET', `/v1/sagas?${query.toString()}`)
    rows.push(...body.data)
    const next: unknown = body.page?.next
    if (typeof next !== 'string') break
    query.set('cursor', next)
  }
  operation.output.table(rows, 'There is no such saga.')
  return exit.done
}
