import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { dataSchemaOf, type EventKind, header } from '@campus/contracts/envelope'
import { everyEvent } from '@campus/contracts/events/all'
import { profilesTopic, revocationsTopic, type Topic, topics } from '@campus/contracts/topics'
import { root } from '../../local/services.ts'
import type { Step } from './event-flow.ts'
import { eventId, momentOf, retentionOf } from './events.ts'

/** What each header of an event says. Those that not every event has are in `optionalHeaders`. */
const headerTexts: Readonly<Record<keyof typeof header, string>> = {
  specVersion: 'Version of CloudEvents, always 1.0',
  id: 'UUIDv7 of the moment of emit, unique in the mesh',
  type: 'Kind of the event',
  source: '/campus/<service>',
  subject: 'Id of the aggregate',
  time: 'Moment of emit, UTC, ISO 8601 with milliseconds',
  key: '<aggregate>:<id>, equal to the record key',
  version: '1, 2, 3 … without a gap per topic and key, as decimal digits',
  correlationId: "Id of the story's first request, kept over every hop",
  causationId: 'Id of the event or request that caused this one',
  actor: 'Who did it, e.g. user:<id> or service:<name>',
  schema: 'urn:campus:schema:<type>:<major>.<minor>:<hash>',
  replayId: 'Present on records that a replay has published again',
  traceparent: 'W3C trace context of the transaction that emitted',
  contentType: 'application/json',
}
const optionalHeaders = new Set<string>([header.replayId])

const ref = (...path: readonly string[]) => ({ $ref: `#/${path.join('/')}` })

/**
 * The AsyncAPI 3.0 document of the mesh: channels are topics, messages are events with their frozen
 * schemas, and for each service and topic an operation says what it sends or receives.
 *
 * @param flow every place where a service sends or hears an event
 * @see https://www.asyncapi.com/docs/reference/specification/v3.0.0
 */
export function asyncApi(flow: readonly Step[]) {
  const { version }: { version: string } = JSON.parse(
    readFileSync(join(root, 'package.json'), 'utf8'),
  )
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'Campus events',
      version,
      description:
        'Every event of the mesh: CloudEvents 1.0 in the binary mode of Kafka. The value is the ' +
        'payload as JSON, all attributes are headers, and a null value on a compacted topic is a ' +
        'tombstone. Delivery is at least once, in order per key.',
      license: { name: 'Apache-2.0', url: 'https://www.apache.org/licenses/LICENSE-2.0' },
    },
    defaultContentType: 'application/json',
    channels: Object.fromEntries(topics.map(topic => [topic.name, channelOf(topic)])),
    operations: operationsOf(flow),
    components: {
      messages: Object.fromEntries(everyEvent.map(kind => [eventId(kind), messageOf(kind)])),
      messageTraits: { envelope: { headers: envelopeHeaders() } },
    },
  }
}

function channelOf(topic: Topic) {
  const { name, partitions, config } = topic
  const kinds = everyEvent.filter(kind => kind.topic === name)
  return {
    address: name,
    description: `Keeps ${retentionOf(topic)}.`,
    messages: Object.fromEntries(
      kinds.map(kind => [eventId(kind), ref('components', 'messages', eventId(kind))]),
    ),
    bindings: {
      kafka: {
        topic: name,
        partitions,
        topicConfiguration: {
          'cleanup.policy': (config['cleanup.policy'] ?? 'delete').split(','),
          'retention.ms': Number(config['retention.ms'] ?? -1),
          'max.message.bytes': Number(config['max.message.bytes']),
          ...(config['delete.retention.ms'] !== undefined && {
            'delete.retention.ms': Number(config['delete.retention.ms']),
          }),
        },
        bindingVersion: '0.5.0',
      },
    },
  }
}

function messageOf(kind: EventKind) {
  const { type, aggregate, schema, example } = kind
  return {
    name: type,
    title: type,
    summary: momentOf(kind),
    contentType: 'application/json',
    traits: [ref('components', 'messageTraits', 'envelope')],
    correlationId: { location: `$message.header#/${header.correlationId}` },
    payload: schema,
    bindings: {
      kafka: {
        key: { type: 'string', pattern: `^${aggregate}:.+$` },
        bindingVersion: '0.5.0',
      },
    },
    'x-dataschema': dataSchemaOf(kind),
    examples: [{ name: 'example', payload: example }],
  }
}

function envelopeHeaders() {
  const names = Object.entries(header)
  return {
    type: 'object',
    required: names.flatMap(([, name]) => (optionalHeaders.has(name) ? [] : [name])),
    properties: Object.fromEntries(
      Object.entries(headerTexts).map(([key, description]) => {
        const name = names.find(([one]) => one === key)?.[1] ?? key
        return [name, { type: 'string', description }]
      }),
    ),
  }
}

/** One operation per service, topic and direction. */
function operationsOf(flow: readonly Step[]) {
  const groups = Object.groupBy(
    flow,
    ({ service, action, kind }) => `${service}.${action}.${kind.topic}`,
  )
  const operations = Object.entries(groups).map(([name, steps = []]) => {
    const [first] = steps
    if (first === undefined) throw new Error(`${name} is empty.`)
    const { service, action, kind } = first
    const ids = new Set(steps.map(step => eventId(step.kind)))
    return [
      name,
      {
        action,
        channel: ref('channels', kind.topic),
        summary: `${service} ${action === 'send' ? 'publishes' : 'hears'} ${ids.size} of ${kind.topic}`,
        tags: [{ name: service }],
        messages: [...ids].toSorted().map(id => ref('channels', kind.topic, 'messages', id)),
      },
    ] as const
  })
  return Object.fromEntries(operations.toSorted(([a], [b]) => (a < b ? -1 : 1)))
}

/**
 * What services read besides what their consumers hear: whole topics, into memory.
 *
 * @param services all of them: each refuses revoked tokens
 */
export function topicReaders(services: readonly string[]): Step[] {
  const read = (service: string, path: string, topic: string) =>
    everyEvent
      .filter(kind => kind.topic === topic)
      .map((kind): Step => ({ service, action: 'receive', kind, path }))
  return [
    ...services.flatMap(service => read(service, 'platform/src/revocations.ts', revocationsTopic)),
    ...read('users', 'services/users/src/profiles/read-profiles.command.ts', profilesTopic),
  ]
}
