// F1 of docs/events.md: a leader moves, in the middle of a send, to a broker that has already answered.
import assert from 'node:assert/strict'
import { setTimeout as delay } from 'node:timers/promises'
import { createKafka } from '@campus/platform/events/kafka'
import { eventually } from '@campus/platform/testing/eventually'
import { openRawKafkajs } from '@campus/platform/testing/raw-kafkajs'
import { t as file, test } from 'tap'
import { startBrokers } from './brokers.ts'

file.setTimeout(300_000)

test('F1: a leader that moves in the middle of a send to a broker that has answered loses nothing', async t => {
  t.setTimeout(280_000)
  const nodes = await startBrokers(t, 3)
  const brokers = nodes.map(({ address }) => address)
  const raw = await openRawKafkajs(brokers)
  t.teardown(() => raw.close())
  const kafka = createKafka({ brokers, clientId: 'port' })
  t.teardown(() => kafka.close())
  // Partition 0 stays with node 1; partition 1 moves from node 2, which freezes, to node 1.
  const replicas = [
    [1, 3],
    [2, 1],
  ] as const
  const [, second] = nodes
  assert.ok(second)
  const record = (value: string) => ({ key: 'k', value, headers: {}, timestamp: new Date() })

  async function lead(topic: string, leaders: readonly number[]): Promise<void> {
    await eventually(async () => assert.deepEqual(await raw.leaders(topic), leaders), {
      timeoutMs: 60_000,
      everyMs: 100,
    })
  }

  /** After `warmUp` the client knows the leaders; then partition 1 moves, and the client does not know. */
  async function moveAfter(topic: string, warmUp: () => Promise<unknown>): Promise<void> {
    await raw.createTopic(topic, replicas)
    await lead(topic, [1, 2])
    await warmUp()
    second?.signal('SIGKILL')
    await second?.restart()
    await lead(topic, [1, 1])
  }

  /** What the relay does: it sends again until the answer is for exactly what was sent. */
  async function persist(topic: string, partition: number): Promise<number> {
    const until = performance.now() + 60_000
    for (let tries = 1; ; tries += 1) {
      try {
        await kafka.send(topic, partition, [record(`p${partition}`)])
        return tries
      } catch (error) {
        if (performance.now() > until) throw error
        await delay(200)
      }
    }
  }
  const persistBoth = (topic: string) => Promise.all([persist(topic, 0), persist(topic, 1)])

  await t.test('through the port nothing is lost', async t => {
    const topic = 'through-the-port'
    await moveAfter(topic, () => persistBoth(topic))
    t.comment(`tries: ${(await persistBoth(topic)).join(', ')}`)
    const counts = await raw.counts(topic)
    t.ok(counts.length === 2 && counts.every(count => count >= 2), `records: ${counts.join(', ')}`)
  })

  await t.test('nor when the leader freezes: it is asked once, then whoever leads', async t => {
    const topic = 'frozen-leader'
    await raw.createTopic(topic, replicas)
    await lead(topic, [1, 2])
    await persistBoth(topic)
    second.signal('SIGSTOP')
    t.comment(`tries: ${(await persistBoth(topic)).join(', ')}`)
    await second.restart()
    const counts = await raw.counts(topic)
    t.ok(counts.length === 2 && counts.every(count => count >= 2), `records: ${counts.join(', ')}`)
  })

  await t.test('a raw sendBatch reports success for a record that it never sent', async t => {
    const topic = 'through-send-batch'
    await moveAfter(topic, () => raw.sendBatch(topic, ['p0', 'p1']))
    await raw.sendBatch(topic, ['p0', 'p1'])
    t.same(await raw.counts(topic), [2, 1], 'one of four is lost, which is why the port exists')
  })
})
