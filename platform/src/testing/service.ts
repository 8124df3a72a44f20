import { createServer } from 'node:http'
import { header, type NewEvent } from '@campus/contracts/envelope'
import type { Topic } from '@campus/contracts/topics'
import { v7 } from 'uuid'
import { murmur2 } from '../events/murmur2.ts'
import { dataSchema } from '../events/schemas.ts'
import { newTraceparent } from '../process/flow.ts'
import type { Cleanup } from './cleanup.ts'
import { createTestDatabase } from './database.ts'
import { createTestKafka } from './kafka.ts'
import { listenOnLoopback } from './listen.ts'
import { testTokens } from './tokens.ts'

/** A broker takes time for each partition, and three show of a service whatever twelve do. */
function withFewPartitions(topic: Topic): Topic {
  return { ...topic, partitions: Math.min(topic.partitions, 3) }
}

/**
 * Everything around one service: its database, Kafka with the mesh's topics under a prefix of its
 * own, Redis, and an issuer of tokens. `env` is for `loadConfig`.
 */
export async function createTestSurroundings(
  t: Cleanup,
  options: { readonly service: string; readonly topics: readonly Topic[] },
) {
  const redisUrl = process.env['REDIS_URL']
  if (redisUrl === undefined) throw new Error('Run the tests by `npm test`: it starts Redis.')
  const [database, testKafka, tokens] = await Promise.all([
    createTestDatabase(t, { service: options.service, max: 4 }),
    createTestKafka(t, options.topics.map(withFewPartitions)),
    testTokens(),
  ])
  const jwks = JSON.stringify(tokens.jwks)
  const issuer = createServer((_request, response) => {
    response.setHeader('content-type', 'application/json').end(jwks)
  })
  const port = await listenOnLoopback(t, issuer)
  const versions = new Map<string, number>()

  return {
    ...database,
    ...testKafka,
    tokens,
    env: {
      HOST: '127.0.0.1',
      PORT: '0',
      ADMIN_PORT: '0',
      PUBLIC_URL: 'http://127.0.0.1:8080',
      DATABASE_URL: database.url,
      KAFKA_BROKERS: testKafka.brokers,
      KAFKA_TOPIC_PREFIX: testKafka.topicPrefix,
      REDIS_URL: redisUrl,
      JWKS_URL: `http://127.0.0.1:${port}/jwks.json`,
      CURSOR_SECRET: 'only-for-tests-only-for-tests',
      // A test process shares its machine with others: their load is not this service's.
      MAX_EVENT_LOOP_DELAY_MS: '0',
      LOG_LEVEL: process.env['LOG_LEVEL'] ?? 'silent',
    },
    /**
     * Publishes events as another service would, with the next version of each aggregate.
     *
     * @returns the records, so that a test can publish one of them again
     */
    async publish(...events: readonly NewEvent[]) {
      const published = []
      for (const event of events) {
        const record = recordOf(event, versions)
        await this.republish(record)
        published.push(record)
      }
      return published
    },
    /** Appends a record once more: what a relay that repeats itself does. */
    async republish({ topic, ...record }: ReturnType<typeof recordOf>) {
      const partition = murmur2(record.key) % (await testKafka.kafka.partitions(topic))
      await testKafka.kafka.send(topic, partition, [record])
    },
  }
}

function recordOf({ definition, subject, data }: NewEvent, versions: Map<string, number>) {
  const { type, topic, aggregate } = definition
  const key = `${aggregate}:${subject}`
  const version = (versions.get(`${topic} ${key}`) ?? 0) + 1
  versions.set(`${topic} ${key}`, version)
  const id = v7()
  const timestamp = new Date()
  return {
    topic,
    key,
    timestamp,
    value: data === null ? null : JSON.stringify(data),
    headers: {
      [header.specVersion]: '1.0',
      [header.id]: id,
      [header.type]: type,
      [header.source]: `/campus/${type.slice(0, type.indexOf('.'))}`,
      [header.subject]: subject,
      [header.time]: timestamp.toISOString(),
      [header.key]: key,
      [header.version]: String(version),
      [header.correlationId]: id,
      [header.causationId]: id,
      [header.actor]: 'service:test',
      [header.schema]: dataSchema(definition),
      [header.traceparent]: newTraceparent(),
      [header.contentType]: 'application/json',
    },
  }
}
