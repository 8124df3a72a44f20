import { randomUUID } from 'node:crypto'
import { sql } from 'drizzle-orm'
import type { LightMyRequestResponse } from 'fastify'
import { type Test, test } from 'tap'
import { Type } from 'typebox'
import { onCommit, type Postgres } from '../data/postgres.ts'
import { defineErrors, fail } from '../errors.ts'
import { quietParts } from '../testing/chassis-parts.ts'
import { createTestDatabase } from '../testing/database.ts'
import { problemOf } from '../testing/problem.ts'
import { testTokens } from '../testing/tokens.ts'
import { idempotent, sweepIdempotencyKeys } from './idempotency.ts'
import { type App, createServer } from './server.ts'

const refuse = defineErrors('test', { sold_out: { status: 409, message: 'Sold out.' } })
const PayBody = Type.Object({ amount: Type.Integer(), note: Type.Optional(Type.String()) })
const tokens = await testTokens()

type Behaviour = 'pay' | 'refuse' | 'break' | 'serializable' | 'twice'

/** A service with `POST /v1/pay/:account`, whose effect is a row of `payment`. */
async function payments(t: Test) {
  const folder = t.testdir({
    '9001_payment.sql': 'create table payment (id uuid primary key, amount int not null);',
  })
  const { postgres } = await createTestDatabase(t, {
    service: 'idem',
    directories: ['platform/migrations', folder],
    max: 20,
  })
  const state: { behaviour: Behaviour; gate: Promise<void>; runs: number; commits: number } = {
    behaviour: 'pay',
    gate: Promise.resolve(),
    runs: 0,
    commits: 0,
  }

  async function pay(db: Postgres, amount: number): Promise<{ id: string; amount: number }> {
    state.runs += 1
    const id = randomUUID()
    const isolation = state.behaviour === 'serializable' ? 'serializable' : 'read committed'
    await db.transaction(async tx => {
      await tx.execute(sql`insert into payment (id, amount) values (${id}, ${amount})`)
      onCommit(tx, () => {
        state.commits += 1
      })
      await state.gate
      if (state.behaviour === 'refuse')
        fail(refuse.sold_out({ left: 0 }), { headers: { 'x-left': '0' } })
      if (state.behaviour === 'break') throw new Error('broken after the effect')
    }, isolation)
    if (state.behaviour === 'twice') {
      await db.transaction(async tx => {
        await tx.execute(sql`update payment set amount = amount + 1 where id = ${id}`)
      })
    }
    return { id, amount }
  }

  const app = createServer({
    service: 'idem',
    ...quietParts(),
    auth: tokens.verifier(),
    // The race of a thousand duplicates must reach the database.
    maxInFlight: 2_000,
    maxEventLoopDelayMs: 0,
  })
  t.teardown(() => app.close())
  app.register(async (routes: App) => {
    routes.post(
      '/v1/pay/:account',
      {
        config: { access: 'user' },
        schema: {
          body: PayBody,
          params: Type.Object({ account: Type.String() }),
          response: { 201: Type.Object({ id: Type.String(), amount: Type.Integer() }) },
        },
      },
      async (request, reply) =>
        idempotent(
          request,
          reply,
          postgres,
          db => pay(db, request.body.amount),
          result => ({
            status: 201,
            headers: { location: `/v1/payments/${result.id}` },
            body: { ...result, internal: 'not in the schema' },
          }),
        ),
    )
    routes.post('/v1/void', { config: { access: 'user' } }, async (request, reply) =>
      idempotent(
        request,
        reply,
        postgres,
        async () => undefined,
        () => ({ status: 204 }),
      ),
    )
  })
  await app.ready()

  const owner = tokens.bearer({ userId: 'owner' })
  return {
    state,
    postgres,
    send: async (
      key: string | undefined,
      {
        payload = { amount: 5 },
        headers = owner,
        url = '/v1/pay/a',
      }: { payload?: object; headers?: object; url?: string } = {},
    ): Promise<LightMyRequestResponse> => {
      return app.inject({
        method: 'POST',
        url,
        payload,
        headers: { ...headers, ...(key !== undefined && { 'idempotency-key': key }) },
      })
    },
    count: async (): Promise<unknown> => {
      const { rows } = await postgres.read(tx => tx.execute(sql`select count(*) as n from payment`))
      return rows[0]?.['n']
    },
  }
}

test('a repeated request gets the same bytes, once the effect and once the hook', async t => {
  const { send, count, state } = await payments(t)
  const first = await send('key-1')
  const second = await send('key-1')
  t.equal(first.statusCode, 201)
  t.equal(first.headers['idempotent-replayed'], undefined)
  t.notMatch(first.body, 'internal')
  t.equal(second.statusCode, 201)
  t.equal(second.body, first.body)
  t.equal(second.headers['location'], first.headers['location'])
  t.equal(second.headers['content-type'], first.headers['content-type'])
  t.equal(second.headers['idempotent-replayed'], 'true')
  t.equal(await count(), 1)
  t.equal(state.runs, 1)
  t.equal(state.commits, 1)
})

test('the order of members does not matter, another body, account or query is another request', async t => {
  const { send } = await payments(t)
  await send('key-1', { payload: { amount: 5, note: 'x' } })
  const reordered = await send('key-1', { payload: { note: 'x', amount: 5 } })
  t.equal(reordered.headers['idempotent-replayed'], 'true')
  const other = await send('key-1', { payload: { amount: 6 } })
  t.match(problemOf(other), { status: 422, code: 'request.idempotency_key_reused' })
  t.equal((await send('key-1', { url: '/v1/pay/b' })).statusCode, 201)
})

test('another user with the same key is independent', async t => {
  const { send, count } = await payments(t)
  await send('key-1')
  const other = await send('key-1', { headers: tokens.bearer({ userId: 'other' }) })
  t.equal(other.statusCode, 201)
  t.equal(other.headers['idempotent-replayed'], undefined)
  t.equal(await count(), 2)
})

test('a missing or malformed key is 400', async t => {
  const { send } = await payments(t)
  for (const key of [undefined, '', 'x'.repeat(256), 'caf\u00e9', 'tab\tkey']) {
    const response = await send(key)
    t.match(problemOf(response), { status: 400, code: 'request.idempotency_key_required' })
  }
  t.equal((await send('x'.repeat(255))).statusCode, 201)
})

test('a request whose twin is running is 409, and is answered once the twin has ended', async t => {
  const { send, state, count } = await payments(t)
  const gate = Promise.withResolvers<void>()
  state.gate = gate.promise
  const running = send('key-1')
  while (state.runs === 0) await new Promise(setImmediate)
  const twin = await send('key-1')
  t.match(problemOf(twin), { status: 409, code: 'request.in_flight' })
  t.equal(twin.headers['retry-after'], '1')
  gate.resolve()
  t.equal((await running).statusCode, 201)
  t.equal((await send('key-1')).headers['idempotent-replayed'], 'true')
  t.equal(await count(), 1)
})

test('1,000 parallel duplicates have one effect and one answer', async t => {
  const { send, count } = await payments(t)
  const responses = await Promise.all(Array.from({ length: 1_000 }, () => send('key-1')))
  // Whoever comes while the first one runs, or to a machine that is too busy, is asked to come again.
  const statuses = new Set(responses.map(({ statusCode }) => statusCode))
  for (const later of [409, 503]) statuses.delete(later)
  t.same([...statuses], [201])
  const bodies = responses.filter(({ statusCode }) => statusCode === 201).map(({ body }) => body)
  t.equal(new Set(bodies).size, 1)
  t.equal(await count(), 1)
})

test('a refusal rolls the effect back, is kept and replayed byte for byte', async t => {
  const { send, count, state } = await payments(t)
  state.behaviour = 'refuse'
  const first = await send('key-1')
  t.match(problemOf(first), {
    status: 409,
    code: 'test.sold_out',
    reasons: [{ details: { left: 0 } }],
  })
  state.behaviour = 'pay'
  const second = await send('key-1')
  t.equal(second.statusCode, 409)
  t.equal(second.body, first.body)
  t.equal(second.headers['x-left'], '0')
  t.match(second.headers['content-type'], 'application/problem+json')
  t.equal(second.headers['idempotent-replayed'], 'true')
  t.equal(await count(), 0)
})

test('a refusal that was overtaken by a twin gives the answer of the twin', async t => {
  const { send, postgres, state } = await payments(t)
  const first = await send('key-1')
  const { rows } = await postgres.read(tx =>
    tx.execute(sql`delete from idempotency_key returning row_to_json(idempotency_key) as record`),
  )
  const gate = Promise.withResolvers<void>()
  state.behaviour = 'refuse'
  state.gate = gate.promise
  const overtaken = send('key-1')
  while (state.runs < 2) await new Promise(setImmediate)
  await postgres.read(tx =>
    tx.execute(sql`insert into idempotency_key
      select * from json_populate_record(null::idempotency_key, ${JSON.stringify(rows[0]?.['record'])})`),
  )
  gate.resolve()
  const answer = await overtaken
  t.equal(answer.body, first.body)
  t.equal(answer.headers['idempotent-replayed'], 'true')
})

test('a failure leaves nothing behind: the same key works afterwards', async t => {
  const { send, count, state } = await payments(t)
  state.behaviour = 'break'
  t.equal((await send('key-1')).statusCode, 500)
  t.equal(await count(), 0)
  state.behaviour = 'pay'
  const second = await send('key-1')
  t.equal(second.statusCode, 201)
  t.equal(second.headers['idempotent-replayed'], undefined)
  t.equal(await count(), 1)
})

test('work may ask for a serializable transaction, and for several: all of it commits at once', async t => {
  const { send, count, state } = await payments(t)
  for (const behaviour of ['serializable', 'twice'] as const) {
    state.behaviour = behaviour
    t.equal((await send(behaviour)).statusCode, 201, behaviour)
    t.equal((await send(behaviour)).headers['idempotent-replayed'], 'true', behaviour)
  }
  t.equal(await count(), 2)
})

test('an answer without a body is replayed without one', async t => {
  const { send } = await payments(t)
  const first = await send('key-1', { url: '/v1/void', payload: {} })
  const second = await send('key-1', { url: '/v1/void', payload: {} })
  t.same([first.statusCode, first.body], [204, ''])
  t.same([second.statusCode, second.body], [204, ''])
  t.equal(second.headers['idempotent-replayed'], 'true')
})

test('records are deleted after 7 days, not before', async t => {
  const { send, postgres } = await payments(t)
  await send('key-1')
  const day = 86_400_000
  const sweep = (now: number) => postgres.transaction(tx => sweepIdempotencyKeys(tx, new Date(now)))
  t.equal(await sweep(Date.now() + 7 * day - 60_000), 0)
  t.equal(await sweep(Date.now() + 7 * day + 60_000), 1)
})
