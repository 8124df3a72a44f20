import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { header } from '@campus/contracts/envelope'
import { productCreated, productPublished } from '@campus/contracts/events/catalog'
import { createKafka } from '@campus/platform/events/kafka'
import { dataSchema } from '@campus/platform/events/schemas'
import { newId } from '@campus/platform/new-id'
import { eventually } from '@campus/platform/testing/eventually'
import { t as file, test } from 'tap'
import type { Json } from '../tools/prove/client.ts'
import { mailTo } from '../tools/prove/client.ts'
import { type Mesh, startMesh } from '../tools/prove/mesh.ts'
import { joinCampus } from '../tools/prove/people.ts'
import { order, orderIn, pay, putOnSale, readOrder, untilCartsKnow } from '../tools/prove/shop.ts'

file.setTimeout(300_000)

/** Runs `campus` as an operator of another machine does: with addresses from the environment. */
async function campus(mesh: Mesh, ...args: readonly string[]) {
  const env = {
    ...process.env,
    ...mesh.env,
    CAMPUS_GATEWAY_URL: mesh.client.gatewayUrl,
    CAMPUS_TOKEN: mesh.admin.token,
  }
  return new Promise<{ code: number; rows: Json[]; text: string; complaint: string }>(resolve => {
    const command = ['tools/campus.ts', ...args, '--context', 'e2e']
    execFile(process.execPath, command, { env, timeout: 60_000 }, (error, stdout, stderr) => {
      const code = error === null ? 0 : Number(error.code ?? -1)
      const rows = args.includes('--json')
        ? stdout.split('\n').flatMap(line => (line === '' ? [] : [JSON.parse(line)]))
        : []
      resolve({ code, rows, text: stdout, complaint: stderr })
    })
  })
}

/** Publishes five versions of a product that catalog does not know; the second one is broken. */
async function publishPoison(mesh: Mesh, key: string): Promise<readonly string[]> {
  const kafka = createKafka({
    brokers: (mesh.env['KAFKA_BROKERS'] ?? '').split(','),
    clientId: 'e2e',
  })
  const subject = key.slice('product:'.length)
  const ids = Array.from({ length: 5 }, () => newId())
  const records = ids.map((id, i) => {
    const definition = i === 0 ? productCreated : productPublished
    const timestamp = new Date()
    return {
      key,
      timestamp,
      value: i === 1 ? '{"broken":' : JSON.stringify({ ...definition.example, productId: subject }),
      headers: {
        [header.specVersion]: '1.0',
        [header.id]: id,
        [header.type]: definition.type,
        [header.source]: '/campus/catalog',
        [header.subject]: subject,
        [header.time]: timestamp.toISOString(),
        [header.key]: key,
        [header.version]: String(i + 1),
        [header.correlationId]: 'poison',
        [header.causationId]: 'poison',
        [header.actor]: 'service:e2e',
        [header.schema]: dataSchema(definition),
        [header.traceparent]: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
        [header.contentType]: 'application/json',
      },
    }
  })
  await kafka.send(productCreated.topic, 3, records)
  await kafka.close()
  return ids
}

test('an operator sees, cures and proves, by the campus command only', async t => {
  t.setTimeout(280_000)
  const mesh = await startMesh(t)
  const { client, admin, inboxUrl } = mesh
  const consumer = 'orders.assortment'

  await t.test('a poisoned event parks its key; the operator finds and discards it', async t => {
    const key = `product:${randomUUID()}`
    const [, poison = ''] = await publishPoison(mesh, key)
    const parked = await eventually(
      async () => {
        const { rows } = await campus(mesh, 'parked', 'ls', '--consumer', consumer, '--json')
        assert.equal(rows[0]?.events, 4, JSON.stringify(rows))
        return rows
      },
      { timeoutMs: 40_000, everyMs: 500 },
    )
    t.match(parked, [{ consumer, key, class: 'UnreadableRecord' }])
    const alarm = await campus(mesh, 'audit', '--json')
    t.equal(alarm.code, 1, 'the audit complains of what nobody has acknowledged')

    const shown = await campus(mesh, 'events', 'show', poison, '--json')
    t.match(shown.rows, [{ key, version: '2', data: '{"broken":' }])
    t.match(
      shown.rows[0].consumers.find((one: Json) => one.consumer === consumer),
      { outcome: 'parked', class: 'UnreadableRecord' },
    )
    const failed = await campus(mesh, 'parked', 'retry', consumer, key, '--json')
    t.equal(failed.code, 3, failed.text + failed.complaint)
    t.match(failed.rows, [{ outcome: 'failed again', version: 2 }])

    const reason = ['--reason', 'broken at its source']
    const dry = await campus(
      mesh,
      'parked',
      'discard',
      consumer,
      key,
      ...reason,
      '--dry-run',
      '--json',
    )
    t.match(dry.rows, [{ would: 'discard', version: 2, behind: 3 }])
    const done = await campus(mesh, 'parked', 'discard', consumer, key, ...reason)
    t.equal(done.code, 0, done.complaint)
    await eventually(
      async () => {
        const { rows } = await campus(mesh, 'parked', 'ls', '--json')
        assert.deepEqual(rows, [])
      },
      { timeoutMs: 30_000, everyMs: 500 },
    )
    const after = await campus(mesh, 'parked', 'show', consumer, key, '--json')
    t.same(
      after.rows.map(row => [row.version, row.status]),
      [
        [2, 'discarded'],
        [3, 'retried'],
        [4, 'retried'],
        [5, 'retried'],
      ],
    )
    const nothing = await campus(mesh, 'parked', 'discard', consumer, key, ...reason)
    t.equal(nothing.code, 2)
  })

  await t.test('the story of a purchase lists its events and its mail, and no address', async t => {
    const mug = await putOnSale(client, admin.token, {
      title: 'Campus mug',
      slug: 'campus-mug',
      priceMinor: 1_290,
      units: 5,
    })
    await untilCartsKnow(client, mug)
    const buyer = await joinCampus(client, inboxUrl, {
      email: 'bo@campus.example',
      name: 'Bo Buyer',
    })
    const orderId = await order(client, buyer.token, mug)
    await orderIn(client, buyer.token, orderId, ['awaiting_payment'])
    const intentId = await eventually(async () => {
      const { payment } = await readOrder(client, buyer.token, orderId)
      assert.ok(payment.intentId)
      return payment.intentId
    })
    await pay(client, buyer.token, intentId, 'tok_ok')
    await orderIn(client, buyer.token, orderId, ['confirmed'])
    await mailTo(inboxUrl, buyer.email, /confirmed/i)

    const found = await campus(mesh, 'events', 'grep', '--key', `order:${orderId}`, '--json')
    t.equal(found.code, 0, found.complaint)
    const types = new Set(found.rows.map(row => row.type))
    t.ok(types.has('orders.order_placed.v1') && types.has('orders.order_confirmed.v1'))
    const { correlation } = found.rows[0]
    const story = await eventually(
      async () => {
        const told = await campus(mesh, 'events', 'trace', correlation, '--json')
        assert.equal(told.code, 0, told.complaint)
        assert.ok(told.rows.some(row => row.what === 'orders.order_placed.v1'))
        return told
      },
      { everyMs: 500 },
    )
    const steps = story.rows.map(row => row.what)
    t.ok(steps.includes('catalog.stock_reserved.v1'), steps.join(' '))
    t.same(
      story.rows.map(row => row.at),
      story.rows.map(row => row.at).toSorted((a, b) => a.localeCompare(b)),
      'in time order',
    )
    const paid = found.rows.find(row => row.type === 'orders.order_confirmed.v1')
    const end = await campus(mesh, 'events', 'trace', paid.correlation, '--json')
    t.ok(
      end.rows.some(row => row.what === 'effect: mail' && row.outcome.startsWith('sent')),
      JSON.stringify(end.rows),
    )
    t.notMatch(story.text + end.text, /bo@campus/)
  })

  await t.test('sagas are seen and asked over the gateway', async t => {
    const listed = await campus(mesh, 'sagas', 'ls', '--json')
    t.equal(listed.code, 0, listed.complaint)
    t.match(listed.rows, [{ state: 'confirmed' }])
    const { orderId } = listed.rows[0]
    t.same((await campus(mesh, 'sagas', 'ls', '--stuck', '--json')).rows, [])
    const shown = await campus(mesh, 'sagas', 'show', orderId, '--json')
    t.match(shown.rows, [{ orderId, state: 'confirmed' }])
    const dry = await campus(
      mesh,
      'sagas',
      'compensate',
      orderId,
      '--reason',
      'a test',
      '--dry-run',
      '--json',
    )
    t.match(dry.rows, [{ would: 'compensate', state: 'confirmed' }])
    t.equal((await campus(mesh, 'sagas', 'show', randomUUID())).code, 2)
    const asked = await campus(mesh, 'sagas', 'retry', orderId)
    t.equal(asked.code, 4, `a finished saga waits for nothing: ${asked.text}${asked.complaint}`)
  })

  await t.test('everything is quiet, and every proof says so', async t => {
    const proofs = [
      ['audit', '--settle', '5'],
      ['topics', 'verify'],
      ['outbox', 'stuck'],
      ['reconcile', 'orders', '--settle', '5'],
      ['reconcile', 'users', '--settle', '5'],
      ['groups', 'ls'],
      ['groups', 'lag'],
      ['events', 'ls'],
      ['effects', 'ls'],
      ['consumers', 'ls'],
      ['outbox', 'ls'],
    ]
    for (const proof of proofs) {
      // The last events may still be on their way.
      const { code, text, complaint } = await eventually(
        async () => {
          const answer = await campus(mesh, ...proof)
          assert.equal(answer.code, 0, answer.text + answer.complaint)
          return answer
        },
        { timeoutMs: 20_000, everyMs: 500 },
      ).catch(() => campus(mesh, ...proof))
      t.equal(code, 0, `campus ${proof.join(' ')}: ${code === 0 ? '' : text + complaint}`)
    }
    const stranger = await campus(mesh, 'reconcile', 'catalog', '--settle', '1', '--json')
    t.equal(stranger.code, 1, 'the poison came from outside, which no archive knows')
    t.ok(
      stranger.rows.every(row => row.problem === 'not archived'),
      JSON.stringify(stranger.rows),
    )
    t.equal(stranger.rows.length, 5)
  })

  await t.test('an event that is published again changes nothing', async t => {
    const since = ['--since', '10m', '--service', 'orders']
    const dry = await campus(mesh, 'outbox', 'republish', ...since, '--dry-run', '--json')
    t.equal(dry.code, 0, dry.complaint)
    t.ok(dry.rows.length > 0)
    const done = await campus(mesh, 'outbox', 'republish', ...since, '--json')
    t.equal(done.rows.length, dry.rows.length)
    const { code, text } = await eventually(
      async () => {
        const answer = await campus(mesh, 'audit', '--settle', '5')
        assert.equal(answer.code, 0)
        return answer
      },
      { timeoutMs: 20_000, everyMs: 500 },
    ).catch(() => campus(mesh, 'audit', '--settle', '5'))
    t.equal(code, 0, text)
  })

  await t.test('what is refused, wrong or not there has its own exit code', async t => {
    const profiles = ['events', 'grep', '--topic', 'campus.users.profiles']
    t.equal((await campus(mesh, ...profiles)).code, 4)
    t.equal((await campus(mesh, 'events', 'show', newId())).code, 2)
    t.equal((await campus(mesh, 'events', 'grep', '--since', 'yesterday')).code, 1)
    t.equal((await campus(mesh, 'parked', 'retry', 'nobody.x', 'a')).code, 1)
    const help = await campus(mesh, 'parked', 'discard', '--help')
    t.match(help.text, /--dry-run/)
    t.equal(help.code, 0)
  })
})
