import assert from 'node:assert/strict'
import { header } from '@campus/contracts/envelope'
import {
  refreshReuseDetected,
  rolesChanged,
  userReinstated,
  userSuspended,
} from '@campus/contracts/events/users'
import type { SessionId, UserId } from '@campus/contracts/ids'
import { newId } from '@campus/platform/new-id'
import { eventually } from '@campus/platform/testing/eventually'
import { sql } from 'drizzle-orm'
import { t as file, test } from 'tap'
import { newOrderId, newReader, openBench } from '../test-bench.ts'

file.setTimeout(120_000)
const bench = await openBench(file)
const by = { type: 'user' as const, id: newId() }

/** Source types and titles of what somebody was told in the product, the oldest first. */
async function listOf(userId: UserId): Promise<string[]> {
  const headers = bench.tokens.bearer({ userId })
  const { data } = (
    await bench.app.inject({ url: '/v1/me/notifications?limit=100', headers })
  ).json()
  return data.map((one: { sourceType: string }) => one.sourceType.split('.')[1]).toReversed()
}

test('a buyer is told of the payment, the parcel and the refund, once each', async t => {
  const ada = newReader()
  const orderId = newOrderId()
  const payment = ada.payment(orderId)
  await bench.publish(ada.profile(), ada.placed(orderId), payment.created())
  const told = await bench.publish(payment.declined(), payment.challenged())
  await bench.mailed(ada.email, 2)
  told.push(...(await bench.publish(ada.confirmed(orderId), ada.shipped(orderId))))
  told.push(...(await bench.publish(ada.refunded(orderId))))
  await bench.mailed(ada.email, 5)
  for (const record of told) await bench.republish(record)
  await bench.publish(ada.verified())
  const subjects = (await bench.mailed(ada.email, 6)).map(mail =>
    String(mail.Subject.split(' ')[0]),
  )
  t.same(subjects.toSorted(), ['Confirm', 'Order', 'Order', 'Order', 'Payment', 'Welcome'])
  t.same(new Set(await listOf(ada.userId)).size, 6)
})

test('a person is told of everything that concerns the security of the account', async t => {
  const ada = newReader()
  const { userId } = ada
  await bench.publish(
    ada.profile(),
    ada.passwordChanged(),
    refreshReuseDetected.of({ userId, familyId: newId<SessionId>() }),
    rolesChanged.of({ userId, old: ['student'], new: ['instructor', 'student'], by }),
    userSuspended.of({ userId, code: 'payment_fraud', by }),
    userReinstated.of({ userId, by }),
  )
  await bench.mailed(ada.email, 5)
  t.same(await listOf(userId), [
    'password_changed',
    'refresh_reuse_detected',
    'roles_changed',
    'user_suspended',
    'user_reinstated',
  ])
})

test('a payment that began before anybody listened is told to the owner of its order', async t => {
  const ada = newReader()
  const orderId = newOrderId()
  await bench.publish(ada.profile(), ada.placed(orderId))
  await eventually(async () => {
    const { rows } = await bench.postgres.read(tx =>
      tx.execute(sql`select from subject_owner where id = ${orderId}`),
    )
    assert.equal(rows.length, 1)
  })
  await bench.publish(ada.payment(orderId).declined())
  await bench.mailed(ada.email)
  t.same(await listOf(ada.userId), ['payment_declined'])
})

test('what is nobody’s is told to nobody and holds nothing up', async t => {
  const ada = newReader()
  await bench.publish(ada.shipped(newOrderId()), ada.payment(newOrderId()).declined())
  await bench.publish(ada.profile(), ada.verified())
  await bench.mailed(ada.email)
  t.same(await listOf(ada.userId), ['email_verified'])
})

const limits = [
  { name: 'news of security are told for 24 hours', hours: 24, of: 'passwordChanged' as const },
  { name: 'news of the account are told for 72 hours', hours: 72, of: 'verified' as const },
]
for (const { name, hours, of } of limits) {
  test(`${name} and then only counted`, async t => {
    const ada = newReader()
    await bench.publish(ada.profile())
    const [model] = await bench.publish(newReader()[of]())
    assert.ok(model)
    const record = (version: number, ageMinutes: number) => {
      const key = `user:${ada.userId}`
      return {
        ...model,
        key,
        value: JSON.stringify(ada[of]().data),
        headers: {
          ...model.headers,
          [header.id]: newId(),
          [header.key]: key,
          [header.subject]: ada.userId,
          [header.version]: String(version),
          [header.time]: new Date(Date.now() - ageMinutes * 60_000).toISOString(),
        },
      }
    }
    const late = record(1, hours * 60 + 1)
    await bench.republish(late)
    await bench.republish(record(2, hours * 60 - 1))
    await bench.mailed(ada.email)
    const { rows } = await bench.postgres.read(tx =>
      tx.execute(sql`select from inbox where event_id = ${late.headers[header.id]}
        and consumer = 'notifications.news'`),
    )
    t.equal(rows.length, 1, 'it was heard')
    t.equal((await listOf(ada.userId)).length, 1)
    t.equal((await bench.deliveriesTo(ada.userId)).length, 1)
  })
}

test('an event that is applied again after its inbox row was lost still tells once', async t => {
  const ada = newReader()
  await bench.publish(ada.profile())
  const [told] = await bench.publish(ada.cancelled(newOrderId()))
  await bench.mailed(ada.email)
  const id = told?.headers[header.id]
  // The worst that a restored database or a lost offset can do.
  await bench.postgres.read(tx => tx.execute(sql`delete from inbox where event_id = ${id}`))
  await bench.postgres.read(tx =>
    tx.execute(sql`delete from seen_version where aggregate_key = ${told?.key}`),
  )
  if (told !== undefined) await bench.republish(told)
  await eventually(async () => {
    const { rows } = await bench.postgres.read(tx =>
      tx.execute(sql`select from inbox where event_id = ${id}`),
    )
    assert.equal(rows.length, 1)
  })
  await bench.publish(ada.verified())
  await bench.mailed(ada.email, 2)
  t.same((await listOf(ada.userId)).toSorted(), ['email_verified', 'order_cancelled'])
  t.same(
    (await bench.emitted(ada.userId)).filter(type => type === 'notification_created').length,
    2,
  )
})

test('owners of old orders are forgotten, those of others are not', async t => {
  const [old, young] = [newOrderId(), newOrderId()]
  const bench2 = await openBench(t)
  await bench2.stop()
  await bench2.postgres.read(tx =>
    tx.execute(sql`insert into subject_owner (type, id, user_id, created_at) values
      ('order', ${old}, ${newId()}, now() - interval '401 days'),
      ('order', ${young}, ${newId()}, now() - interval '399 days')`),
  )
  const again = await bench2.replica()
  await eventually(async () => {
    const { rows } = await bench2.postgres.read(tx =>
      tx.execute<{ id: string }>(sql`select id from subject_owner`),
    )
    assert.deepEqual(rows, [{ id: young }])
  })
  await again.stop()
})
