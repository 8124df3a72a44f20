import type { Order } from '../../../services/orders/src/checkout/order.ts'
import { isSettled } from '../../../services/orders/src/checkout/progress.ts'
import { keptMinor, type PspPayment } from '../../../services/payments/src/psp/simulation.ts'
import { orderRef } from './invariants.ts'
import { balancesOf } from './ledger.ts'
import type { SimMesh } from './mesh.ts'
import { must } from './world.ts'

/** What holds once every queue is empty and no timer is left: every order ended, and its money is right. */
export function requireRest(mesh: SimMesh): void {
  const { catalog, databases, orders, payments, provider, worker } = mesh
  for (const { name, outbox } of databases) must(outbox.size === 0, `rest: outbox of ${name}`)
  must(worker.pending.length === 0, 'rest: answers of the provider')
  must(provider.deliveries.size === 0, 'rest: webhooks')
  for (const { state } of payments.effects.values()) must(state === 'done', 'rest: calls')
  for (const { reserved } of catalog.stock.values()) must(reserved === 0, 'C3: held for ever')
  for (const order of orders.orders.values()) requireEnded(mesh, order)
}

function requireEnded({ catalog, payments, provider }: SimMesh, order: Order): void {
  const { id, saga } = order
  const intent = payments.intentOf({ id: orderRef(id) })
  const kept = (intent?.capturedMinor ?? 0) - (intent?.refundedMinor ?? 0)
  const atProvider = [...provider.payments.values()]
    .filter(({ intentId }) => intentId === intent?.id)
    .reduce((sum, payment) => sum + heldBy(payment), 0)
  must(atProvider === kept, `P7: the provider has ${atProvider}, payments ${kept}`)
  const reservation = catalog.reservations.get(id)
  const accounts = balancesOf(payments.entries, { type: 'order', id: orderRef(id) })
  const unearned = accounts.find(({ account }) => account.startsWith('unearned'))?.amount ?? 0
  must(unearned === 0, `P1: ${-unearned} stays unearned of an order that ${saga.state}`)

  if (saga.state === 'cancelled') {
    must(kept === 0, 'O1: a cancelled order keeps money')
    must(reservation?.state !== 'committed', 'O1: a cancelled order keeps stock')
    return
  }
  const isForPeople = saga.stuckAt !== null
  must(saga.state === 'completed' || isForPeople, `O1: an order stays ${saga.state} and silent`)
  must(saga.state === 'completed' || saga.state === 'confirmed', `O1: an order stays ${saga.state}`)
  must(reservation?.state === 'committed', 'O1: an order stands without its stock')
  if (saga.moneyDone && saga.totalMinor > 0) {
    must(kept === 0, 'P5: money of an order that does not know of it')
    must(isForPeople, 'O1: goods without money are not shown')
    return
  }
  must(kept === saga.totalMinor - saga.refundedMinor, 'O1: kept ≠ total − refunded')
  if (saga.state !== 'completed') return
  for (const line of saga.lines) {
    must(isSettled(saga, line), 'O1: a line is neither delivered nor refunded')
  }
}

/** What the provider holds of a payment, for us. */
function heldBy(payment: PspPayment): number {
  if (payment.state === 'authorized') return payment.amount
  return payment.disputeState === 'lost' ? 0 : keptMinor(payment)
}
