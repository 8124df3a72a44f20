// Creates schemas, roles, tables and topics; see provision.ts, which starts this and reads its output.
import { text } from 'node:stream/consumers'
import { topics } from '@campus/contracts/topics'
import { migrate, provisionService } from '@campus/platform/data/migrate'
import { createKafka } from '@campus/platform/events/kafka'
import { applyTopics } from '@campus/platform/events/topics'
import type { Provisioned, ProvisionInput } from './provision.ts'

const input: ProvisionInput = JSON.parse(await text(process.stdin))

async function createTopics(): Promise<string[]> {
  const kafka = createKafka({
    brokers: input.brokers.split(','),
    clientId: 'campus-provision',
    topicPrefix: input.topicPrefix,
  })
  try {
    return await applyTopics(kafka, topics)
  } finally {
    await kafka.close()
  }
}

async function prepareDatabase({ name, password, migrations }: ProvisionInput['services'][number]) {
  const { adminUrl } = input
  const url = await provisionService({ adminUrl, service: name, password })
  const ran = await migrate({ adminUrl, service: name, directories: migrations })
  return { name, url, ran }
}

const [created, ...prepared] = await Promise.all([
  createTopics(),
  ...input.services.map(prepareDatabase),
])
const output: Provisioned = {
  databases: Object.fromEntries(prepared.map(({ name, url }) => [name, url])),
  migrations: prepared.flatMap(({ ran }) => ran),
  topics: created,
}
process.stdout.write(JSON.stringify(output))
