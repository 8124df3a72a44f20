// Security 24 to 26: contracts/authz.yaml has a row for every operation, and every row is true.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { eventually } from '@campus/platform/testing/eventually'
import type { Test } from 'tap'
import { parse } from 'yaml'
import { type Answer, freshKey, type Json } from '../../tools/prove/client.ts'
import type { Mesh } from '../../tools/prove/mesh.ts'
import { joinCampus, type Person } from '../../tools/prove/people.ts'
import { fillCart, order, orderIn, pay, putOnSale, untilCartsKnow } from '../../tools/prove/shop.ts'

/** A row of contracts/authz.yaml. */
interface Row {
  readonly operation: string
  readonly access: 'public' | 'optional' | 'user' | readonly string[]
  readonly object?: keyof Objects
  /** Whether staff sees the objects of others. */
  readonly staff?: boolean
  readonly body?: object
}

/** Ids of things that belong to one person. */
interface Objects {
  readonly cart: string
  readonly order: string
  readonly intent: string
  readonly notification: string
  readonly session: string
}

const nothing = '0193a1c0-0000-7000-8000-00000000dead'
const methods = new Set(['get', 'post', 'put', 'patch', 'delete'])
const rows: Row[] = parse(
  readFileSync(join(import.meta.dirname, '../../contracts/authz.yaml'), 'utf8'),
)

/** What somebody owns who has bought something and fills a cart again. */
async function possessionsOf({ client, admin }: Mesh, owner: Person): Promise<Objects> {
  const article = await putOnSale(client, admin.token, {
    title: 'Campus pen',
    slug: 'campus-pen',
    priceMinor: 1_290,
    units: 10,
  })
  await untilCartsKnow(client, article)
  const orderId = await order(client, owner.token, article)
  const { payment } = await orderIn(client, owner.token, orderId, ['awaiting_payment'])
  await pay(client, owner.token, payment.intentId, 'tok_ok')
  await orderIn(client, owner.token, orderId, ['confirmed'])
  const cart = await fillCart(client, owner.token, article, 1)
  const { body: sessions } = await client.must(200, 'GET', '/v1/me/sessions', {
    token: owner.token,
  })
  const notification = await eventually(async () => {
    const { body } = await client.must(200, 'GET', '/v1/me/notifications', { token: owner.token })
    assert.ok(body.data.length > 0)
    return body.data[0].id
  })
  return {
    cart: cart.id,
    order: orderId,
    intent: payment.intentId,
    notification,
    session: sessions.data[0].sid,
  }
}

/** contracts/authz.yaml says of every operation who may do it, and that is what happens. */
export async function authz(t: Test, mesh: Mesh): Promise<void> {
  const { client, admin, inboxUrl } = mesh
  const [owner, stranger, suspended] = await Promise.all(
    ['owner', 'stranger', 'suspended'].map(name =>
      joinCampus(client, inboxUrl, { email: `${name}@campus.example`, name }),
    ),
  )
  assert.ok(owner && stranger && suspended)
  const objects = await possessionsOf(mesh, owner)
  await client.must(200, 'POST', `/v1/users/${suspended.userId}/suspend`, {
    token: admin.token,
    body: { code: 'terms_violated' },
  })

  function ask({ operation, object, body }: Row, as?: Person, id?: string): Promise<Answer> {
    const [method = '', template = ''] = operation.split(' ')
    const [first, ...others] = [...template.matchAll(/\{[^}]+\}/g)].map(([name]) => name)
    const whose = id ?? (object === undefined ? nothing : objects[object])
    const path = [first, ...others]
      .filter(name => name !== undefined)
      .reduce((filled, name, i) => filled.replace(name, i === 0 ? whose : nothing), template)
    return client.ask(method, path, {
      key: freshKey(),
      ifMatch: '"1"',
      ...(as !== undefined && { token: as.token }),
      ...(body !== undefined && { body }),
    })
  }
  /** A stream is known by its status; nobody reads it to its end here. */
  const finite = rows.filter(({ operation }) => !operation.endsWith('/stream'))

  await t.test('24: every operation has a row, and every row an operation', async t => {
    const document = (await client.must(200, 'GET', '/v1/openapi.json')).body
    const served = Object.entries<Json>(document.paths).flatMap(([template, item]) =>
      Object.entries<Json>(item)
        .filter(([method]) => methods.has(method))
        .map(([method, { 'x-access': access }]) => ({
          operation: `${method.toUpperCase()} ${template}`,
          access: typeof access === 'object' ? access.roles : access,
        })),
    )
    const byName = (a: { operation: string }, b: { operation: string }) =>
      a.operation.localeCompare(b.operation)
    t.same(
      rows.map(({ operation, access }) => ({ operation, access })).toSorted(byName),
      served.toSorted(byName),
    )
  })

  await t.test('25: without a token, only what is public or optional answers', async t => {
    for (const row of finite) {
      const { status } = await ask(row)
      if (row.access === 'public') continue
      if (row.access === 'optional') t.not(status, 403, row.operation)
      else t.equal(status, 401, row.operation)
    }
  })

  await t.test('25: a suspended account can do nothing that needs one', async t => {
    await eventually(
      async () => {
        const { status } = await client.ask('GET', '/v1/me', { token: suspended.token })
        assert.equal(status, 401)
      },
      { timeoutMs: 5_000 },
    )
    for (const row of finite.filter(({ access }) => access === 'user' || Array.isArray(access))) {
      t.equal((await ask(row, suspended)).status, 401, row.operation)
    }
  })

  await t.test('25: a role that is missing is 403, whatever the object', async t => {
    for (const row of finite.filter(({ access }) => Array.isArray(access))) {
      t.equal((await ask(row, stranger)).status, 403, row.operation)
      t.not((await ask(row, admin)).status, 403, `${row.operation} as admin`)
    }
  })

  await t.test('26: the objects of others answer exactly as if they did not exist', async t => {
    for (const row of finite.filter(({ object }) => object !== undefined)) {
      for (const caller of [stranger, admin]) {
        const isSeen = caller === admin && row.staff === true
        const foreign = await ask(row, caller)
        if (isSeen) {
          t.ok(foreign.status < 300, `${row.operation} as staff`)
          continue
        }
        const absent = await ask(row, caller, nothing)
        t.equal(foreign.status, 404, row.operation)
        t.same(facts(foreign), facts(absent), `${row.operation}: hidden equals absent`)
      }
    }
  })

  await t.test('25: a GET is also a HEAD, with the same answer and no body', async t => {
    for (const row of finite.filter(({ operation }) => operation.startsWith('GET '))) {
      const head = { ...row, operation: row.operation.replace('GET', 'HEAD') }
      for (const caller of [undefined, stranger, owner]) {
        const [got, headed] = [await ask(row, caller), await ask(head, caller)]
        t.equal(headed.status, got.status, head.operation)
        t.equal(headed.body, '', head.operation)
      }
    }
  })

  await t.test('25: owners reach what is theirs', async t => {
    for (const row of finite.filter(({ object }) => object !== undefined)) {
      // What ends the session ends this test too, so it comes last.
      if (row.object === 'session') continue
      const { status } = await ask(row, owner)
      t.notOk([401, 403, 404].includes(status), `${row.operation}: ${status}`)
    }
  })
}

/** An answer without what differs from request to request. */
function facts({ status, headers, body }: Answer): object {
  const { instance: _, requestId: __, ...problem } = body
  const names = [...headers.keys()].filter(name => !name.startsWith('ratelimit')).toSorted()
  return { status, problem, names }
}
