import assert from 'node:assert/strict'
import { sql } from 'drizzle-orm'
import { test } from 'tap'
import { withFlow } from '../process/flow.ts'
import { quietParts } from '../testing/chassis-parts.ts'
import type { Cleanup } from '../testing/cleanup.ts'
import { createTestDatabase } from '../testing/database.ts'
import { eventually } from '../testing/eventually.ts'
import {
  createEffectsWorker,
  type EffectAttempt,
  type EffectKind,
  EffectRefused,
  enqueueEffect,
} from './effects.ts'

async function open(t: Cleanup, kind: Partial<EffectKind> & Pick<EffectKind, 'run'>) {
  const { postgres } = await createTestDatabase(t, {
    service: 'bar',
    directories: ['platform/migrations'],
  })
  const kinds = [{ kind: 'bell', onUnknown: 'ask' as const, attemptsMax: 3, ...kind }]
  const startWorker = () => {
    const worker = createEffectsWorker({ ...quietParts(), postgres, kinds })
    worker.start()
    t.teardown(() => worker.stop())
    return worker
  }
  const ring = (dedupeKey: string) =>
    postgres.transaction(async tx =>
      enqueueEffect(tx, { kind: 'bell', dedupeKey, payload: { dedupeKey } }),
    )
  const states = async () => {
    const { rows } = await postgres.read(tx =>
      tx.execute<{ dedupe_key: string; state: string; attempts: number }>(
        sql`select dedupe_key, state, attempts from effect order by dedupe_key`,
      ),
    )
    return rows.map(({ dedupe_key, state, attempts }) => `${dedupe_key} ${state} ${attempts}`)
  }
  const become = (expected: readonly string[], timeoutMs = 10_000) =>
    eventually(async () => assert.deepEqual(await states(), expected), { timeoutMs })
  return { postgres, startWorker, ring, states, become }
}

test('an effect is carried out once, after its transaction, however often it is asked for', async t => {
  const heard: string[] = []
  const bench = await open(t, {
    async run({ id }: EffectAttempt) {
      heard.push(id)
    },
  })
  bench.startWorker()
  bench.startWorker()
  await Promise.all(Array.from({ length: 10 }, () => bench.ring('a')))
  await bench.become(['a sent 1'])
  await t.rejects(
    bench.postgres.transaction(async tx => {
      enqueueEffect(tx, { kind: 'bell', dedupeKey: 'b', payload: {} })
      throw new Error('rolled back')
    }),
  )
  await bench.ring('c')
  await bench.become(['a sent 1', 'c sent 1'])
  t.equal(heard.length, 2)
  t.equal(new Set(heard).size, 2)
})

test('a certain no is tried again with a growing pause, at most so often; a final one is not', async t => {
  const bench = await open(t, {
    async run({ payload }: EffectAttempt) {
      const isFinal = JSON.stringify(payload).includes('final')
      throw new EffectRefused('no', { isFinal })
    },
  })
  bench.startWorker()
  await bench.ring('final')
  await bench.ring('later')
  await bench.become(['final failed 1', 'later failed 3'], 15_000)
})

test('an unknown outcome is shown as ambiguous where a repeat could double it, else repeated', async t => {
  let isBroken = true
  const run = async () => {
    if (isBroken) throw new Error('connection lost after the request was sent')
  }
  const asking = await open(t, { run })
  asking.startWorker()
  await asking.ring('mail')
  await asking.become(['mail ambiguous 1'])
  const retrying = await open(t, { run, onUnknown: 'retry' })
  retrying.startWorker()
  await retrying.ring('hook')
  await retrying.become(['hook pending 1'])
  isBroken = false
  await retrying.become(['hook sent 2'])
})

test('an attempt whose process died is found by the next worker, and its policy decides', async t => {
  const bench = await open(t, { run: async () => undefined })
  await bench.ring('lost')
  await bench.postgres.read(tx =>
    tx.execute(
      sql`update effect set state = 'sending', attempts = 1, next_at = now() - interval '1 s'`,
    ),
  )
  bench.startWorker()
  await bench.become(['lost ambiguous 1'])
})

test('what a replay or a bootstrap would do outside is noted and never done', async t => {
  const bench = await open(t, { run: async () => undefined })
  bench.startWorker()
  const flow = { correlationId: 'c', causationId: 'c', actor: 'timer', traceparent: '' }
  await withFlow({ ...flow, suppressEffects: true }, () => bench.ring('a'))
  await withFlow({ ...flow, replayId: 'r1' }, () => bench.ring('b'))
  await bench.ring('c')
  await bench.become(['a suppressed 0', 'b suppressed 0', 'c sent 1'])
})

test('an attempt that hangs holds up no other effect', async t => {
  const hanging = Promise.withResolvers<void>()
  const bench = await open(t, {
    async run({ payload }: EffectAttempt) {
      if (JSON.stringify(payload).includes('slow')) await hanging.promise
    },
  })
  bench.startWorker()
  await bench.ring('slow')
  await bench.become(['slow sending 1'])
  for (let n = 0; n < 30; n += 1) await bench.ring(`quick${n}`)
  await eventually(async () => {
    const sent = (await bench.states()).filter(state => state.endsWith('sent 1'))
    assert.equal(sent.length, 30)
  })
  hanging.resolve()
  await eventually(async () => assert.ok((await bench.states()).includes('slow sent 1')))
})

test('the outcome is told in the transaction that records it', async t => {
  const told: string[] = []
  const bench = await open(t, {
    run: async () => undefined,
    async settled(tx, { attempt }, outcome) {
      await tx.execute(sql`select 1`)
      told.push(`${outcome} ${attempt}`)
    },
  })
  bench.startWorker()
  await bench.ring('a')
  await bench.become(['a sent 1'])
  t.same(told, ['sent 1'])
})
