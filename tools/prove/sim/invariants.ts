import { type AnyId, asId, type OrderId } from '@campus/contracts/ids'
import { askedMinor, restOf } from '../../../services/orders/src/checkout/progress.ts'
import { keptMinor } from '../../../services/payments/src/psp/simulation.ts'
import { unitsIn } from './catalog.ts'
import { balancesOf } from './ledger.ts'
import type { SimMesh } from './mesh.ts'
import { must } from './world.ts'

// The rules of docs (services.md) that can be seen by a look at the tables: some hold after each step,
// the others once nothing is on its way any more. C1, O7 and the ways of a reservation are checked where
// they are decided.

/** What holds at any moment. */
export function requireSound(mesh: SimMesh): void {
  requireSoundStock(mesh)
  requireSoundOrders(mesh)
  requireSoundMoney(mesh)
}

function requireSoundStock({ catalog }: SimMesh): void {
  const { movements, reservations, stock } = catalog
  const held = unitsIn(reservations.values(), 'held')
  const sold = unitsIn(reservations.values(), 'committed')
  for (const [variantId, { onHand, reserved }] of stock) {
    let sum = 0
    let gone = 0
    for (const { variantId: moved, delta, reason } of movements.values()) {
      if (moved !== variantId) continue
      sum += delta
      if (reason === 'sale' || reason === 'cancellation') gone -= delta
    }
    must(onHand === sum, `C2: ${onHand} on hand, ${sum} moved`)
    must(reserved === (held.get(variantId) ?? 0), `C3: ${reserved} reserved, not what is held`)
    must(gone === (sold.get(variantId) ?? 0), `C3: ${gone} gone, not what was sold`)
  }
}

function requireSoundOrders({ orders }: SimMesh): void {
  for (const { saga, totals } of orders.orders.values()) {
    const { goods, discount, tax, shipping, total } = totals
    const sum = goods.amount - discount.amount + tax.amount + shipping.amount
    const ofLines = saga.lines.reduce((all, line) => all + line.totalMinor, 0)
    must(sum === total.amount && ofLines === goods.amount, 'O3: lines and total disagree')
    must(saga.totalMinor === total.amount, 'O3: the total has changed')
    must(saga.refundedMinor <= saga.capturedMinor, 'O6: refunded > captured')
    must(askedMinor(saga) <= saga.capturedMinor, 'O6: asked back > captured')
    for (const line of saga.lines) {
      const rest = restOf(saga, line)
      const isWithin = rest.amountMinor >= 0 && rest.quantity >= 0 && rest.unshipped >= 0
      must(isWithin, 'O6: more of a line is given back than there is')
      must(line.delivered <= line.quantity, 'O6: delivered > bought')
      must(line.kind === 'course' || line.delivered <= line.shipped, 'O6: delivered > shipped')
    }
  }
}

function requireSoundMoney({ orders, payments, provider }: SimMesh): void {
  for (const { source, postings } of payments.entries.values()) {
    const sum = postings.reduce((all, { amount }) => all + amount, 0)
    must(sum === 0, `P1: ${source} sums to ${sum}`)
  }
  for (const intent of payments.intents.values()) {
    const { id, amountMinor, authorizedMinor, capturedMinor, refundedMinor } = intent
    must(authorizedMinor <= amountMinor, 'P2: authorized > asked')
    must(capturedMinor <= authorizedMinor, 'P2: captured > authorized')
    must(refundedMinor <= capturedMinor, 'P2: refunded > captured')
    const captures = [...provider.payments.values()].filter(
      one => one.intentId === id && one.captured !== null,
    )
    must(captures.length <= 1, 'P2: two captures of one intent')
    for (const one of captures) must(keptMinor(one) >= 0, 'P2: more went back than was captured')
    const cash = balancesOf(payments.entries, intent.ref).find(one => one.account === 'cash')
    must((cash?.amount ?? 0) === capturedMinor - refundedMinor, 'P7: ledger and intent disagree')
  }
  for (const order of orders.orders.values()) {
    if (order.saga.state !== 'cancelled') continue
    const intent = payments.intentOf({ id: orderRef(order.id) })
    const isKept = intent !== undefined && intent.capturedMinor > intent.refundedMinor
    const isOnItsWay = intent !== undefined && intent.returnCause !== null
    must(!isKept || isOnItsWay, 'P5: money of a cancelled order neither is back nor on its way')
  }
}

/** An order's id as what a payment is for. */
export function orderRef(orderId: OrderId): AnyId {
  return asId<AnyId>(orderId)
}
