import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { violatedConstraint } from '@campus/platform/data/postgres'
import { newId } from '@campus/platform/new-id'
import { eventually } from '@campus/platform/testing/eventually'
import { problemOf } from '@campus/platform/testing/problem'
import { sql } from 'drizzle-orm'
import { t as file, test } from 'tap'
import { eur, open, paidStory } from './test-bench.ts'

// Real servers on a busy machine: most of it is waiting.
file.setTimeout(120_000)
file.jobs = 3

test('payments of orders, against real Postgres, Kafka and HTTP', async suite => {
  suite.setTimeout(110_000)
  const bench = await open(suite)

  await suite.test(
    'tok_ok is authorised by the call, captured on request, booked once',
    async t => {
      const order = await bench.ask(2_580)
      await order.told('intent_created')
      const confirmed = await order.confirm('tok_ok')
      t.equal(confirmed.statusCode, 202, confirmed.body)
      t.equal(confirmed.headers['location'], `/v1/payment-intents/${order.intentId}`)
      t.match(await order.see(), { state: 'authorized', attemptsLeft: 2, amount: eur(2_580) })
      await order.told('intent_created', 'payment_authorized')
      await bench.publish(order.capture)
      t.match(await order.seeIn('captured'), { capturedAmount: eur(2_580), refundedAmount: eur(0) })
      await order.told(...paidStory)
      await bench.untilDelivered()
      t.same(await bench.emitted(order.orderId), paidStory, 'the webhooks have told nothing new')
      t.same(await bench.booked(order.orderId), {
        cash: 2_580,
        [`unearned:order:${order.orderId}`]: -2_580,
      })
      await bench.publish(order.confirmed, order.confirmed)
      await eventually(async () => {
        assert.deepEqual(await bench.booked(order.orderId), {
          cash: 2_580,
          'revenue:store': -2_580,
          [`unearned:order:${order.orderId}`]: 0,
        })
      })
    },
  )

  await suite.test('an order that is declined twice can still be paid', async t => {
    const order = await bench.ask(500)
    for (const left of [2, 1]) {
      await order.confirm('tok_declined')
      t.match(await order.see(), {
        state: 'requires_payment',
        declineCode: 'insufficient_funds',
        attemptsLeft: left,
      })
    }
    await order.confirm('tok_ok')
    t.match(await order.see(), { state: 'authorized', attemptsLeft: 0 })
    await order.told('intent_created', 'payment_declined', 'payment_declined', 'payment_authorized')
  })

  await suite.test('three declines, or a final one, leave no attempt', async t => {
    const patient = await bench.ask(500)
    for (let n = 1; n <= 3; n += 1) await patient.confirm('tok_declined')
    const refused = await patient.confirm('tok_ok')
    t.equal(problemOf(refused).code, 'payments.attempts_exhausted')
    const stolen = await bench.ask(500)
    await stolen.confirm('tok_declined_final')
    t.match(await stolen.see(), { declineCode: 'card_stolen', attemptsLeft: 0 })
    t.equal(problemOf(await stolen.confirm('tok_ok')).code, 'payments.attempts_exhausted')
    await stolen.told('intent_created', 'payment_declined')
  })

  await suite.test('a call that times out is settled by what the provider tells later', async t => {
    const order = await bench.ask(500)
    const began = await order.confirm('tok_timeout_then_success', { prefer: '' })
    t.equal(began.json().state, 'processing')
    t.equal(problemOf(await order.confirm('tok_ok')).code, 'payments.intent_in_progress')
    await order.seeIn('authorized')
    await bench.publish(order.capture)
    await order.told(...paidStory)
    t.equal((await order.see()).capturedAmount.amount, 500)
  })

  await suite.test('money that is authorised after the cancellation goes back', async t => {
    const order = await bench.ask(500)
    await order.confirm('tok_late_webhook', { prefer: '' })
    await bench.publish(order.void)
    await order.told('intent_created', 'payment_voided')
    t.equal(problemOf(await order.confirm('tok_ok')).code, 'payments.intent_closed')
    await order.told('intent_created', 'payment_voided', 'late_payment_refunded')
    const [payment] = await bench.rowsOf(
      sql`select state from psp_payment where intent_id = ${order.intentId}`,
    )
    t.match(payment, { state: 'voided' }, 'the provider holds nothing any more')
    t.same(await bench.booked(order.orderId), {})
  })

  await suite.test('every webhook three times: one authorisation and one capture', async t => {
    const order = await bench.ask(500)
    await order.confirm('tok_double_webhook')
    await bench.publish(order.capture)
    await order.told(...paidStory)
    await bench.untilDelivered()
    t.same(await bench.emitted(order.orderId), paidStory)
    t.equal((await bench.booked(order.orderId))['cash'], 500)
  })

  await suite.test('a void gives back what there is, and is answered again', async t => {
    const unpaid = await bench.ask(500)
    await bench.publish(unpaid.void)
    await unpaid.told('intent_created', 'payment_voided')

    const authorized = await bench.ask(500)
    await authorized.confirm('tok_ok')
    await bench.publish(authorized.void)
    await authorized.told('intent_created', 'payment_authorized', 'payment_voided')

    const captured = await bench.ask(500)
    await captured.confirm('tok_ok')
    await bench.publish(captured.capture)
    await captured.told(...paidStory)
    await bench.publish(captured.confirmed, captured.void)
    await captured.told(...paidStory, 'payment_voided')
    t.match(await captured.see(), { state: 'captured', refundedAmount: eur(500) })
    const balances = await bench.booked(captured.orderId)
    t.same(new Set(Object.values(balances)), new Set([0]), 'revenue and cash are undone')

    await bench.publish(unpaid.void, authorized.void, captured.void)
    await unpaid.told('intent_created', 'payment_voided', 'payment_voided')
    await captured.told(...paidStory, 'payment_voided', 'payment_voided')
    const told = await bench.rowsOf(sql`
      select payload->>'outcome' as outcome from outbox_archive where type like '%voided%'
        and payload->'ref'->>'id' in (${unpaid.orderId}, ${authorized.orderId}, ${captured.orderId})
      union all
      select payload->>'outcome' from outbox where type like '%voided%'
        and payload->'ref'->>'id' in (${unpaid.orderId}, ${authorized.orderId}, ${captured.orderId})`)
    const outcomes = told.map(row => String(row['outcome'])).toSorted()
    t.same(new Set(outcomes), new Set(['nothing', 'refunded', 'voided']))
  })

  await suite.test('a capture and a void at the same time leave no money behind', async t => {
    const orders = await Promise.all(Array.from({ length: 10 }, () => bench.ask(500)))
    await Promise.all(orders.map(order => order.confirm('tok_ok')))
    await Promise.all(orders.map(order => bench.publish(order.capture, order.void)))
    for (const order of orders) {
      await eventually(async () => {
        assert.ok((await bench.emitted(order.orderId)).includes('payment_voided'))
      })
      const { capturedAmount, refundedAmount } = await order.see()
      t.equal(capturedAmount.amount, refundedAmount.amount)
    }
  })

  await suite.test('the same request twice has one effect', async t => {
    const order = await bench.ask(500)
    const [first] = await bench.publish(order.requested)
    await order.told('intent_created', 'intent_created')
    if (first !== undefined) await bench.republish(first)
    await order.confirm('tok_ok')
    const [capture] = await bench.publish(order.capture)
    if (capture !== undefined) await bench.republish(capture)
    await bench.publish(order.capture)
    const story = ['intent_created', 'intent_created', 'payment_authorized', 'payment_captured']
    await eventually(async () => {
      const seen = await bench.emitted(order.orderId)
      assert.deepEqual(seen.slice(0, 4), story)
      // Asked while the capture was on its way, it is answered once; asked after it, again.
      assert.ok(seen.length <= 5)
    })
    const captures = await bench.rowsOf(sql`
      select source from ledger_transaction where ref_id = ${order.orderId}`)
    t.equal(captures.length, 1)
  })

  await suite.test('a capture that the provider refuses for good is told, and voided', async () => {
    const order = await bench.ask(500)
    await order.confirm('tok_capture_fails')
    await bench.publish(order.capture)
    await order.told('intent_created', 'payment_authorized', 'capture_failed')
    await bench.publish(order.void)
    await order.told('intent_created', 'payment_authorized', 'capture_failed', 'payment_voided')
  })

  await suite.test('a refund that fails twice is tried until it succeeds', async () => {
    const order = await bench.ask(500)
    await order.confirm('tok_refund_fails')
    await bench.publish(order.capture)
    await order.told(...paidStory)
    await bench.publish(order.void)
    await order.told(...paidStory, 'payment_voided')
  })

  await suite.test('a challenge is passed or failed by its own buyer, once', async t => {
    const order = await bench.ask(500)
    await order.confirm('tok_3ds')
    const { challengeId } = await order.seeIn('requires_action')
    const answer = (outcome: string, headers: Record<string, string> = order.headers) =>
      bench.inject({
        method: 'POST',
        url: `/v1/psp/challenges/${challengeId}`,
        headers: { ...headers, 'idempotency-key': randomUUID() },
        payload: { outcome },
      })
    const stranger = { ...bench.tokens.bearer() }
    t.equal(problemOf(await answer('pass', stranger)).code, 'request.not_found')
    t.equal((await answer('fail')).statusCode, 202)
    t.match(await order.seeIn('requires_payment'), { declineCode: 'challenge_failed' })
    t.equal(problemOf(await answer('pass')).code, 'payments.challenge_over')

    await order.confirm('tok_3ds')
    const next = await order.seeIn('requires_action')
    const passed = await bench.inject({
      method: 'POST',
      url: `/v1/psp/challenges/${next.challengeId}`,
      headers: { ...order.headers, 'idempotency-key': randomUUID() },
      payload: { outcome: 'pass' },
    })
    t.equal(passed.statusCode, 202)
    await order.seeIn('authorized')
    await order.told(
      'intent_created',
      'payment_action_required',
      'payment_declined',
      'payment_action_required',
      'payment_authorized',
    )
  })

  await suite.test('an intent that is late already is opened, voided and closed', async t => {
    const order = await bench.ask(500, { expiresInMs: -1 })
    await order.told('intent_created', 'payment_voided')
    t.equal(problemOf(await order.confirm('tok_ok')).code, 'payments.intent_closed')
  })

  await suite.test('nobody pays or sees an intent but its owner', async t => {
    const order = await bench.ask(500)
    const url = `/v1/payment-intents/${order.intentId}`
    const headers = {
      ...bench.tokens.bearer({ roles: ['admin'] }),
      'idempotency-key': randomUUID(),
    }
    const seen = await bench.inject({ url, headers })
    t.equal(problemOf(seen).code, 'request.not_found')
    const paid = await bench.inject({
      method: 'POST',
      url: `${url}/confirm`,
      headers,
      payload: { token: 'tok_ok' },
    })
    t.equal(problemOf(paid).code, 'request.not_found')
    t.equal((await bench.inject({ url })).statusCode, 401)
    t.equal((await order.see()).state, 'requires_payment')
  })

  await suite.test('ten confirmations at once begin one attempt', async t => {
    const order = await bench.ask(500)
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => order.confirm('tok_ok', { prefer: '' })),
    )
    const accepted = answers.filter(({ statusCode }) => statusCode === 202)
    t.equal(accepted.length, 1)
    for (const answer of answers) t.ok([202, 409].includes(answer.statusCode), answer.body)
    await order.seeIn('authorized')
    const attempts = await bench.rowsOf(
      sql`select attempt_id from psp_payment where intent_id = ${order.intentId}`,
    )
    t.equal(attempts.length, 1)
  })

  await suite.test('a confirmation with the same key is answered again', async t => {
    const order = await bench.ask(500)
    const key = { 'idempotency-key': randomUUID() }
    const first = await order.confirm('tok_declined', key)
    const again = await order.confirm('tok_declined', key)
    t.equal(again.body, first.body)
    t.equal(again.headers['idempotent-replayed'], 'true')
    t.equal((await order.see()).attemptsLeft, 2)
    const other = await order.confirm('tok_ok', key)
    t.equal(problemOf(other).code, 'request.idempotency_key_reused')
    const headers = order.headers
    const url = `/v1/payment-intents/${order.intentId}/confirm`
    const none = await bench.inject({
      method: 'POST',
      url,
      headers,
      payload: { token: 'tok_ok' },
    })
    t.equal(problemOf(none).code, 'request.idempotency_key_required')
  })

  await suite.test('an unknown token is 422, a card number is not even read', async t => {
    const order = await bench.ask(500)
    t.equal(problemOf(await order.confirm('tok_nobody_knows')).code, 'payments.token_unknown')
    t.equal(problemOf(await order.confirm('toString')).code, 'request.invalid')
    const card = '4242424242424242'
    t.equal(problemOf(await order.confirm(card)).code, 'request.invalid')
    const kept = await bench.rowsOf(sql`
      select key from idempotency_key where body like ${`%${card}%`} or headers::text like ${`%${card}%`}`)
    t.same(kept, [])
    t.equal((await order.see()).attemptsLeft, 3)
  })

  await suite.test('a webhook that is forged, changed, stale or unsigned is 401', async t => {
    const order = await bench.ask(500)
    await order.confirm('tok_late_webhook', { prefer: '' })
    const [row] = await eventually(async () => {
      const rows = await bench.rowsOf(
        sql`select attempt_id from intent where id = ${order.intentId}`,
      )
      assert.ok(rows[0])
      return rows
    })
    const webhook = {
      id: newId(),
      intentId: order.intentId,
      attemptId: String(row?.['attempt_id']),
      at: new Date().toISOString(),
      fact: { kind: 'authorized', amount: eur(500) },
    }
    const body = JSON.stringify(webhook)
    const forged = await bench.tell(body, { secret: 'somebody-elses-secret' })
    t.equal(problemOf(forged).code, 'payments.signature_invalid')
    const changed = await bench.tell(body, { sent: body.replace('500', '501') })
    t.equal(problemOf(changed).code, 'payments.signature_invalid')
    for (const at of [Date.now() - 301_000, Date.now() + 302_000]) {
      t.equal(problemOf(await bench.tell(body, { at })).code, 'payments.signature_stale')
    }
    const unsigned = await bench.inject({
      method: 'POST',
      url: '/v1/psp/webhooks',
      payload: webhook,
    })
    t.equal(problemOf(unsigned).code, 'payments.signature_invalid')
    const unknown = JSON.stringify({ ...webhook, id: newId(), more: 1 })
    t.equal(problemOf(await bench.tell(unknown)).code, 'request.invalid')
    const twice = '{"id":1,"id":2}'
    t.equal(problemOf(await bench.tell(twice)).code, 'request.invalid')

    t.equal((await bench.tell(body)).statusCode, 204, 'the real one is taken')
    t.equal((await bench.tell(body)).statusCode, 204, 'also when it is replayed')
    await order.told('intent_created', 'payment_authorized')
    const nobodys = JSON.stringify({ ...webhook, id: newId(), intentId: newId() })
    t.equal((await bench.tell(nobodys)).statusCode, 204, 'an unknown payment is none of ours')
  })

  await suite.test('one webhook sent twenty times at once is applied once', async t => {
    const order = await bench.ask(500)
    await order.confirm('tok_late_webhook', { prefer: '' })
    const [row] = await bench.rowsOf(
      sql`select attempt_id from intent where id = ${order.intentId}`,
    )
    const body = JSON.stringify({
      id: newId(),
      intentId: order.intentId,
      attemptId: String(row?.['attempt_id']),
      at: new Date().toISOString(),
      fact: { kind: 'authorized', amount: eur(500) },
    })
    const answers = await Promise.all(Array.from({ length: 20 }, () => bench.tell(body)))
    t.same(new Set(answers.map(({ statusCode }) => statusCode)), new Set([204]))
    await order.told('intent_created', 'payment_authorized')
  })

  await suite.test('the ledger refuses what is unbalanced, and any change', async t => {
    const id = newId()
    const insert = (amounts: readonly number[]) =>
      bench.postgres.transaction(async tx => {
        await tx.execute(sql`
          insert into ledger_transaction (id, kind, source, ref_type, ref_id, booked_at)
          values (${id}, 'capture', ${`test:${id}`}, 'order', ${id}, now())`)
        for (const [i, amount] of amounts.entries()) {
          await tx.execute(sql`
            insert into posting values (${id}, ${i + 1}, 'cash', ${amount}, 'EUR')`)
        }
      })
    const constraintOf = (work: Promise<unknown>) =>
      work.then(
        () => 'none',
        (error: unknown) => violatedConstraint(error),
      )
    t.equal(await constraintOf(insert([100, -99])), 'posting_balanced')
    t.equal(await constraintOf(insert([100, -100])), 'none')
    for (const change of [
      sql`update posting set amount = amount + 1`,
      sql`delete from posting`,
      sql`update ledger_transaction set kind = 'refund'`,
      sql`delete from ledger_transaction`,
    ]) {
      t.equal(await constraintOf(bench.rowsOf(change)), 'ledger_immutable')
    }
  })

  await suite.test('the books are open to admins only, and balanced', async t => {
    for (const url of ['/v1/ledger/accounts', '/v1/ledger/trial-balance']) {
      t.equal((await bench.inject({ url })).statusCode, 401)
      const headers = { ...bench.tokens.bearer() }
      t.equal(problemOf(await bench.inject({ url, headers })).code, 'auth.role_missing')
    }
    const headers = { ...bench.tokens.bearer({ roles: ['admin'] }) }
    const trial = await bench.inject({ url: '/v1/ledger/trial-balance', headers })
    t.match(trial.json(), { isBalanced: true, currencies: [{ currency: 'EUR', difference: 0 }] })
    const accounts: string[] = []
    for (let url = '/v1/ledger/accounts?limit=2'; url !== ''; ) {
      const { data, page } = (await bench.inject({ url, headers })).json()
      for (const { account } of data) accounts.push(account)
      url = page.next === null ? '' : `/v1/ledger/accounts?limit=2&cursor=${page.next}`
    }
    t.equal(new Set(accounts).size, accounts.length)
    const all = await bench.rowsOf(sql`select distinct account from posting`)
    t.equal(accounts.length, all.length, 'page by page every account is shown once')
  })

  await suite.test('after all this cash is what was captured and not refunded', async () => {
    await bench.requireSound()
  })
})

test('without any webhook the provider is asked until it knows', async t => {
  const bench = await open(t, { PSP_WEBHOOK_URL: 'http://127.0.0.1:9/nobody-listens' })
  const order = await bench.ask(500)
  await order.confirm('tok_timeout_then_success', { prefer: '' })
  await order.seeIn('authorized')
  await order.told('intent_created', 'payment_authorized')
  const waiting = await bench.rowsOf(sql`select attempts from psp_delivery where attempts > 0`)
  t.equal(waiting.length, 1, 'its webhook is still on its way')
})

test('an answer that died with its process is found again by a query', async t => {
  const bench = await open(t, { PSP_WEBHOOK_URL: 'http://127.0.0.1:9/nobody-listens' })
  const order = await bench.ask(500)
  await order.confirm('tok_ok')
  await bench.publish(order.capture)
  await order.told(...paidStory)
  // What a kill leaves behind between the provider's answer and its transaction.
  await bench.rowsOf(sql`
    update intent set state = 'capturing', captured = 0, captured_at = null
    where id = ${order.intentId}`)
  await bench.rowsOf(sql`
    update effect set state = 'sending', next_at = now() where kind = 'psp_capture'`)
  await order.told(...paidStory, 'payment_captured')
  t.match(await order.see(), { state: 'captured', capturedAmount: eur(500) })
  const captures = await bench.rowsOf(sql`select count(*)::int as n from ledger_transaction`)
  t.match(captures, [{ n: 1 }], 'and booked once')
})
