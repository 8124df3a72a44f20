import { setTimeout as delay } from 'node:timers/promises'
import type { Topic } from '@campus/contracts/topics'
import kafkajs, { type Admin, type Kafka as KafkaClient } from 'kafkajs'

/** A consumer group as the broker sees it. */
export interface Group {
  readonly name: string
  /** By Kafka's names: Stable, Empty, PreparingRebalance, CompletingRebalance, Dead. */
  readonly state: string
  readonly members: readonly {
    readonly clientId: string
    readonly host: string
    /** Partitions by topic. */
    readonly assignment: Readonly<Record<string, readonly number[]>>
  }[]
}

/** Administrative calls; each connects when needed. */
export interface KafkaAdmin {
  partitions(topic: string): Promise<number>
  /** Creates topics that do not exist. @returns their names */
  create(topics: readonly Topic[]): Promise<string[]>
  /** Deletes topics with everything on them. For tests: nothing else ever deletes one. */
  remove(topics: readonly string[]): Promise<void>
  /** Settings of a topic by Kafka's names; undefined when there is no such topic. */
  describe(
    topic: string,
  ): Promise<{ partitions: number; config: Record<string, string> } | undefined>
  /** First and next offset of each partition. */
  offsets(topic: string): Promise<{ partition: number; low: bigint; high: bigint }[]>
  /** The first offset of each partition whose record is not older than `moment`; else the next one. */
  offsetsAt(topic: string, moment: Date): Promise<{ partition: number; offset: bigint }[]>
  /** Consumer groups of this mesh with their members. */
  groups(): Promise<Group[]>
  /** Committed offsets of a group, −1 where there is none. */
  committed(group: string, topic: string): Promise<{ partition: number; offset: bigint }[]>
  /** @throws when no broker answers */
  ping(): Promise<void>
  close(): Promise<void>
}

/** @param prefix put before topics and groups */
export function createAdmin(client: KafkaClient, prefix: string): KafkaAdmin {
  let open: Promise<Admin> | undefined

  async function connected(): Promise<Admin> {
    open ??= connect(client).catch((error: unknown) => {
      open = undefined
      throw error
    })
    return open
  }

  return {
    async partitions(topic) {
      const admin = await connected()
      const { topics } = await admin.fetchTopicMetadata({ topics: [prefix + topic] })
      const count = topics[0]?.partitions.length ?? 0
      if (count === 0) throw new Error(`There is no topic ${prefix + topic}.`)
      return count
    },
    async create(topics) {
      const admin = await connected()
      const existing = new Set(await admin.listTopics())
      const missing = topics.filter(({ name }) => !existing.has(prefix + name))
      if (missing.length > 0) {
        await admin.createTopics({
          // The client's own wait gives up when one broker has not heard of the topics yet.
          waitForLeaders: false,
          topics: missing.map(({ name, partitions, config }) => ({
            topic: prefix + name,
            numPartitions: partitions,
            replicationFactor: -1,
            configEntries: Object.entries(config).map(([key, value]) => ({ name: key, value })),
          })),
        })
        await untilLed(
          admin,
          missing.map(({ name }) => prefix + name),
        )
      }
      return missing.map(({ name }) => name)
    },
    async remove(topics) {
      const admin = await connected()
      await admin.deleteTopics({ topics: topics.map(name => prefix + name), timeout: 5_000 })
    },
    async describe(topic) {
      const admin = await connected()
      if (!(await admin.listTopics()).includes(prefix + topic)) return undefined
      const { topics } = await admin.fetchTopicMetadata({ topics: [prefix + topic] })
      const { resources } = await admin.describeConfigs({
        includeSynonyms: false,
        resources: [{ type: kafkajs.ConfigResourceTypes.TOPIC, name: prefix + topic }],
      })
      const entries = resources.flatMap(resource => resource.configEntries)
      return {
        partitions: topics[0]?.partitions.length ?? 0,
        config: Object.fromEntries(entries.map(e => [e.configName, e.configValue])),
      }
    },
    async offsets(topic) {
      const admin = await connected()
      const rows = await patiently(() => admin.fetchTopicOffsets(prefix + topic))
      return rows.map(row => ({
        partition: row.partition,
        low: BigInt(row.low),
        high: BigInt(row.high),
      }))
    },
    async offsetsAt(topic, moment) {
      const admin = await connected()
      const rows = await patiently(() =>
        admin.fetchTopicOffsetsByTimestamp(prefix + topic, moment.getTime()),
      )
      return rows.map(row => ({ partition: row.partition, offset: BigInt(row.offset) }))
    },
    async groups() {
      const admin = await connected()
      const { groups } = await admin.listGroups()
      const ids = groups.map(({ groupId }) => groupId).filter(id => id.startsWith(prefix))
      if (ids.length === 0) return []
      const described = await admin.describeGroups(ids)
      return described.groups.map(group => ({
        name: group.groupId.slice(prefix.length),
        state: group.state,
        members: group.members.map(({ clientId, clientHost, memberAssignment }) => ({
          clientId,
          host: clientHost,
          assignment: assignmentOf(memberAssignment, prefix),
        })),
      }))
    },
    async committed(group, topic) {
      const admin = await connected()
      const [answer] = await admin.fetchOffsets({
        groupId: prefix + group,
        topics: [prefix + topic],
      })
      return (answer?.partitions ?? []).map(row => ({
        partition: row.partition,
        offset: BigInt(row.offset),
      }))
    },
    async ping() {
      const admin = await connected()
      await admin.describeCluster()
    },
    async close() {
      const admin = await open?.catch(() => undefined)
      await admin?.disconnect()
    },
  }
}

function assignmentOf(bytes: Buffer, prefix: string): Record<string, number[]> {
  // A member that is still joining has none.
  const decoded =
    bytes.length === 0 ? null : kafkajs.AssignerProtocol.MemberAssignment.decode(bytes)
  return Object.fromEntries(
    Object.entries(decoded?.assignment ?? {}).map(([topic, partitions]) => [
      topic.slice(prefix.length),
      partitions,
    ]),
  )
}

/** The client gives up at once when a leader has moved or is new; it asks again after a moment. */
async function patiently<T>(ask: () => Promise<T>): Promise<T> {
  for (let attempts = 1; ; attempts += 1) {
    try {
      return await ask()
    } catch (error) {
      const mayPass = error instanceof kafkajs.KafkaJSProtocolError && error.retriable
      if (!mayPass || attempts >= 20) throw error
      await delay(100)
    }
  }
}

/** Waits until every partition of new topics has a leader. @throws after 10 s */
async function untilLed(admin: Admin, topics: string[]): Promise<void> {
  const until = performance.now() + 10_000
  for (;;) {
    const missing = await admin.fetchTopicMetadata({ topics }).then(
      found => found.topics.some(topic => topic.partitions.some(({ leader }) => leader < 0)),
      (error: unknown) => {
        if (error instanceof kafkajs.KafkaJSProtocolError && error.retriable) return true
        throw error
      },
    )
    if (!missing) return
    if (performance.now() > until) throw new Error('The new topics have no leaders after 10 s.')
    await delay(50)
  }
}

async function connect(client: KafkaClient): Promise<Admin> {
  const admin = client.admin({ retry: { retries: 2, initialRetryTime: 100, maxRetryTime: 1_000 } })
  await admin.connect()
  return admin
}
