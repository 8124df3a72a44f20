import assert from 'node:assert/strict'
import type { NewEvent } from '@campus/contracts/envelope'
import { profileSaved } from '@campus/contracts/events/users'
import { asId, type UserId } from '@campus/contracts/ids'
import { newId } from '@campus/platform/new-id'
import { createLogger } from '@campus/platform/process/logger'
import { createMetrics } from '@campus/platform/process/metrics'
import type { Cleanup } from '@campus/platform/testing/cleanup'
import { eventually } from '@campus/platform/testing/eventually'
import { sql } from 'drizzle-orm'
import { t as file, test } from 'tap'
import { holdAccount } from '../account/account.store.ts'
import { newPerson, openBench } from '../test-bench.ts'
import { compareProfilesJob } from './compare-profiles.job.ts'
import { readProfiles } from './read-profiles.command.ts'

file.setTimeout(120_000)

/** A bench whose own comparison is over, and a job that compares when it is told to. */
async function open(t: Cleanup) {
  const bench = await openBench(t)
  const { postgres, kafka } = bench
  const metrics = createMetrics({ service: 'users' })
  const job = compareProfilesJob({
    postgres,
    kafka,
    holdAccount,
    logger: createLogger({ service: 'users', level: 'silent' }),
    repairs: metrics.counter('users_profile_repairs_total', 'Test.', ['flaw']),
    compared: metrics.gauge('users_profiles_compared', 'Test.'),
  })
  const never = AbortSignal.timeout(100_000)
  const run = async (now: Date) => job.run({ now, signal: never })
  let hours = 1

  /** Compares as if an hour had passed. */
  async function compare(): Promise<void> {
    hours += 1
    await run(new Date(Date.now() + hours * 3_600_000))
  }

  async function register(): Promise<{ id: UserId; key: string; email: string }> {
    const person = newPerson()
    await bench.post('/v1/auth/register', person)
    const { rows } = await postgres.read(tx =>
      tx.execute<{ id: string }>(sql`select id from account where email = ${person.email}`),
    )
    const id = asId<UserId>(rows[0]?.id ?? '')
    const key = `user:${id}`
    await eventually(async () => assert.equal((await last()).get(key), 1))
    return { id, key, email: person.email }
  }

  const publish = async (event: NewEvent) => bench.publish(event)
  const last = async () => readProfiles(kafka, never)
  /** What was cured until now, by flaw. */
  async function repaired(): Promise<string[]> {
    const lines = (await metrics.render()).split('\n')
    return lines.flatMap(line => {
      const [, flaw, count] =
        /^users_profile_repairs_total\{.*flaw="(\w+)".*\} (\d+)/.exec(line) ?? []
      return flaw === undefined ? [] : [`${flaw} ${count}`]
    })
  }
  return { postgres, run, compare, register, publish, last, repaired }
}

test('the hourly comparison cures a lost profile, an older one that won, and a stray', async t => {
  const { compare, register, last, postgres, publish, repaired } = await open(t)
  const [good, old] = [await register(), await register()]
  const lost = newId<UserId>()
  await postgres.read(tx =>
    tx.execute(sql`
      insert into account select (jsonb_populate_record(a, jsonb_build_object(
        'id', ${lost}::text, 'email', ${`${lost}@example.org`}::text))).*
      from account a where id = ${good.id}`),
  )
  await postgres.read(tx => tx.execute(sql`update account set version = 5 where id = ${old.id}`))
  const stray = newId<UserId>()
  const profile = { email: old.email, name: 'Ada', locale: 'en' }
  await publish(profileSaved.of({ ...profile, userId: old.id, version: 5 }))
  await publish(profileSaved.of({ ...profile, userId: old.id, version: 4 }))
  await publish(profileSaved.of({ ...profile, userId: stray, version: 1 }))

  await compare()
  await eventually(async () => {
    const found = await last()
    assert.equal(found.get(`user:${lost}`), 1, 'the lost one is there')
    assert.equal(found.get(old.key), 5, 'the newest one won')
    assert.equal(found.get(`user:${stray}`), null, 'the stray is erased')
    assert.equal(found.get(good.key), 1)
  })
  const cured = ['missing 1', 'outdated 1', 'stray 1']
  t.same((await repaired()).toSorted(), cured)

  await compare()
  t.same((await repaired()).toSorted(), cured, 'a second comparison finds nothing to cure')
})

test('of two replicas one compares', async t => {
  const { run, register, publish, repaired } = await open(t)
  const { id, email } = await register()
  await publish(profileSaved.of({ userId: id, email, name: 'Ada', locale: 'en', version: 9 }))
  const now = new Date(Date.now() + 7_200_000)
  await Promise.all([run(now), run(now)])
  t.same(await repaired(), ['outdated 1'])
})
