import { Kafka, logLevel } from 'kafkajs'

/** What the port keeps away from everybody, for tests that show why. */
export interface RawKafkajs {
  /** Creates a topic whose partitions have exactly these replicas; the first one leads. */
  createTopic(topic: string, replicas: readonly (readonly number[])[]): Promise<void>
  /** One `sendBatch` with a record for each partition. Resolves when kafkajs says that all were sent. */
  sendBatch(topic: string, values: readonly string[]): Promise<void>
  /** Records of each partition, by its end offset. */
  counts(topic: string): Promise<number[]>
  /** Node ids that lead each partition. */
  leaders(topic: string): Promise<number[]>
  close(): Promise<void>
}

/** kafkajs as it comes, with the settings of the port. */
export async function openRawKafkajs(brokers: readonly string[]): Promise<RawKafkajs> {
  const client = new Kafka({
    clientId: 'raw',
    brokers: [...brokers],
    connectionTimeout: 3_000,
    requestTimeout: 5_000,
    retry: { retries: 10, initialRetryTime: 200, maxRetryTime: 2_000 },
    logLevel: logLevel.NOTHING,
  })
  const admin = client.admin()
  const producer = client.producer({ idempotent: false, allowAutoTopicCreation: false })
  await Promise.all([admin.connect(), producer.connect()])
  return {
    async createTopic(topic, replicas) {
      await admin.createTopics({
        waitForLeaders: true,
        topics: [
          {
            topic,
            replicaAssignment: replicas.map((ids, partition) => ({
              partition,
              replicas: [...ids],
            })),
            configEntries: [{ name: 'min.insync.replicas', value: '1' }],
          },
        ],
      })
    },
    async sendBatch(topic, values) {
      await producer.sendBatch({
        acks: -1,
        timeout: 5_000,
        topicMessages: [
          { topic, messages: values.map((value, partition) => ({ key: 'k', value, partition })) },
        ],
      })
    },
    async counts(topic) {
      const rows = await admin.fetchTopicOffsets(topic)
      return rows
        .toSorted((a, b) => a.partition - b.partition)
        .map(({ high, low }) => Number(high) - Number(low))
    },
    async leaders(topic) {
      const { topics } = await admin.fetchTopicMetadata({ topics: [topic] })
      return (topics[0]?.partitions ?? [])
        .toSorted((a, b) => a.partitionId - b.partitionId)
        .map(({ leader }) => leader)
    },
    async close() {
      await Promise.all([admin.disconnect(), producer.disconnect()])
    },
  }
}
