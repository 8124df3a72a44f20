import type { Event } from '@campus/contracts/envelope'

// Attribute names of messaging spans, in one file because the conventions are still in development.
// No keys and no payloads.

const base = { 'messaging.system': 'kafka' }

/** Of the span in which an event is made. */
export function createAttributes(topic: string, eventId: string) {
  return {
    ...base,
    'messaging.operation.type': 'create',
    'messaging.destination.name': topic,
    'messaging.message.id': eventId,
  }
}

/** Of the span in which the relay publishes a batch. */
export function sendAttributes(topic: string, partition: number, count: number) {
  return {
    ...base,
    'messaging.operation.type': 'send',
    'messaging.destination.name': topic,
    'messaging.destination.partition.id': String(partition),
    'messaging.batch.message_count': count,
  }
}

/** Of the span in which a consumer handles an event. */
export function processAttributes(consumer: string, { id }: Event) {
  return {
    ...base,
    'messaging.operation.type': 'process',
    'messaging.consumer.group.name': consumer,
    'messaging.message.id': id,
  }
}
