import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import type { Json } from '../../tools/prove/client.ts'
import type { Mesh } from '../../tools/prove/mesh.ts'
import { putOnSale, untilCartsKnow } from '../../tools/prove/shop.ts'

/** Runs `campus demo` as a person does. */
async function campusDemo(...args: readonly string[]) {
  return new Promise<{ code: number; text: string; complaint: string }>(resolve => {
    const command = ['tools/campus.ts', 'demo', ...args]
    execFile(process.execPath, command, { timeout: 90_000 }, (error, stdout, stderr) => {
      const code = error === null ? 0 : Number(error.code ?? -1)
      resolve({ code, text: stdout, complaint: stderr })
    })
  })
}

/** `campus demo` buys something on the running mesh and shows every hop of it. */
export async function demo(t: Test, { home, client, admin }: Mesh): Promise<void> {
  await t.test('without a mesh: how to start one', async t => {
    const nowhere = mkdtempSync(join(tmpdir(), 'campus-demo-'))
    t.teardown(() => rmSync(nowhere, { recursive: true, force: true }))
    const { code, complaint } = await campusDemo('--home', nowhere)
    t.equal(code, 1)
    t.equal(complaint, 'Campus is not running. Start it with "campus up", then try again.\n')
  })

  await t.test('an empty shelf is a sentence, not a stack', async t => {
    const { code, complaint } = await campusDemo('--home', home)
    t.equal(code, 1)
    t.match(complaint, /^Nothing is for sale\./)
  })

  const mug = await putOnSale(client, admin.token, {
    title: 'Campus mug',
    slug: 'campus-mug',
    label: 'blue',
    priceMinor: 1_290,
    units: 10,
  })
  await untilCartsKnow(client, mug)

  await t.test('for programs: requests, events with their offsets, the mail', async t => {
    const { code, text, complaint } = await campusDemo('--home', home, '--json')
    t.equal(code, 0, complaint)
    const told: Json = JSON.parse(text)
    t.match(told.hops[0], { method: 'GET', status: 200, tookMs: Number })
    t.match(told.mail, { subject: /confirmed/i, text: /Campus mug/ })
    const types = new Set(told.events.map((event: Json) => event.what))
    for (const type of [
      'users.user_registered.v1',
      'orders.order_placed.v1',
      'catalog.stock_reserved.v1',
      'payments.payment_captured.v1',
      'orders.order_confirmed.v1',
    ]) {
      t.ok(types.has(type), type)
    }
    const placed = told.events.find((event: Json) => event.what === 'orders.order_placed.v1')
    t.match(placed, { service: 'orders', topic: 'campus.orders', offset: /^\d+$/ })
    const order = await client.must(200, 'GET', `/v1/orders/${told.orderId}`, {
      token: admin.token,
    })
    t.equal(order.body.state, 'confirmed')
  })

  await t.test('for people: a timeline from the click on', async t => {
    const { code, text, complaint } = await campusDemo('--home', home)
    t.equal(code, 0, complaint)
    t.match(text, /\+\d+ ms {2}orders +orders\.order_confirmed\.v1/)
    t.match(text, /campus\.orders\[\d+\] offset \d+/)
    t.match(text, /POST \/v1\/carts\/[0-9a-f-]+\/checkout/)
  })
}
