import { t as file, test } from 'tap'
import { startMesh } from '../tools/prove/mesh.ts'
import { authz } from './journeys/authz.ts'
import { browser } from './journeys/browser.ts'
import { demo } from './journeys/demo.ts'
import { givenBack } from './journeys/given-back.ts'
import { notifications } from './journeys/notifications.ts'

file.setTimeout(300_000)

// Starting a mesh takes longer than any of these, and none of them is in the way of another.
test('journeys over the gateway of one mesh', async t => {
  t.setTimeout(290_000)
  const mesh = await startMesh(t)
  // First: it also looks at an empty shelf.
  await t.test('campus demo buys something and shows every hop of it', t => demo(t, mesh))
  await t.test('what happens arrives on the stream', t => notifications(t, mesh))
  await t.test('bought with a coupon, sent to an address, and given back', t => givenBack(t, mesh))
  await t.test('S50: a browser lives on cookies, and forgeries are refused', t => browser(t, mesh))
  await t.test('contracts/authz.yaml says who may do what, and so it is', t => authz(t, mesh))
})
