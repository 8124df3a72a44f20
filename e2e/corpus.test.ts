import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { readableKinds } from '@campus/contracts/envelope'
import { everyEvent } from '@campus/contracts/events/all'
import { decode, readEnvelope } from '@campus/platform/events/decode'
import { test } from 'tap'

const corpus = join(import.meta.dirname, '../contracts/corpus')

test('F14: the consumer runtime decodes a record of every revision that was ever released', async t => {
  const files = readdirSync(corpus, { recursive: true, encoding: 'utf8' })
  const records = files.filter(name => name.endsWith('.json'))
  t.ok(records.length >= everyEvent.length, 'every event has a record')
  for (const name of records) {
    const { topic, key, headers, value } = JSON.parse(readFileSync(join(corpus, name), 'utf8'))
    const record = {
      topic,
      partition: 0,
      offset: 0n,
      key,
      value: Buffer.from(JSON.stringify(value)),
      headers,
      timestamp: new Date(),
    }
    const envelope = readEnvelope(record, new Date())
    const kind = everyEvent.find(
      one => one.type === envelope.type && key.startsWith(`${one.aggregate}:`),
    )
    const readers = everyEvent.filter(
      one => kind !== undefined && readableKinds(one).includes(kind),
    )
    t.not(readers.length, 0, `${name} has a reader`)
    for (const reader of readers) {
      if (kind === undefined) continue
      const event = decode(record, envelope, kind, reader)
      t.equal(event.type, reader.type, name)
      t.equal(event.time.toISOString(), '2026-01-01T00:00:00.000Z', name)
    }
  }
})
