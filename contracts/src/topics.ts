/** A Kafka topic as the mesh needs it. `campus topics apply` creates exactly this list. */
export interface Topic {
  readonly name: string
  readonly partitions: number
  /** Broker settings by Kafka's names. */
  readonly config: Readonly<Record<string, string>>
}

/** Names and addresses of people: the only topic with personal data; a tombstone erases a person. */
export const profilesTopic = 'campus.users.profiles'

/** Sessions and users whose access tokens are refused before they expire. */
export const revocationsTopic = 'campus.users.revocations'

const day = 86_400_000
const hour = 3_600_000

/**
 * Kept for ever: only these topics may feed projections, because a projection must be rebuildable
 * from the first event.
 */
const forever = { 'cleanup.policy': 'delete', 'retention.ms': '-1' }
const thirtyDays = { 'cleanup.policy': 'delete', 'retention.ms': String(30 * day) }
// On the topic, so that a foreign codec cannot reach a client that lacks it.
const common = { 'compression.type': 'gzip', 'max.message.bytes': '1048588' }

function topic(name: string, partitions: number, config: Record<string, string>): Topic {
  return { name, partitions, config: { ...config, ...common } }
}

/** Every topic of the mesh. Partition counts are final: raising one moves aggregates. */
export const topics: readonly Topic[] = [
  topic('campus.users', 12, forever),
  topic('campus.catalog', 12, forever),
  topic('campus.orders', 12, thirtyDays),
  topic('campus.payments', 12, thirtyDays),
  topic('campus.courses', 12, forever),
  topic('campus.notifications', 12, thirtyDays),
  topic(profilesTopic, 12, {
    'cleanup.policy': 'compact',
    'delete.retention.ms': String(day),
    'max.compaction.lag.ms': String(hour),
    'segment.ms': String(hour),
  }),
  topic(revocationsTopic, 1, {
    'cleanup.policy': 'compact,delete',
    'retention.ms': String(hour),
    'segment.ms': String(hour / 4),
  }),
]
