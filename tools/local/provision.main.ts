// Creates schemas, roles, tables and topics; see provision.ts, which starts this and reads its output.
import { text } from 'node:stream/consumers'
import { topics } from '@campus/contracts/topics'
import { migrate, provisionOperators, provisionService } from '@campus/platform/data/migrate'
import { createKafka } from '@campus/platform/events/kafka'
import { applyTopics } from '@campus/platform/events/topics'
import type { OperatorAddresses, Provisioned, ProvisionInput } from './provision.ts'

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

async function admitOperators(): Promise<OperatorAddresses> {
  const { operatorUrl, auditUrl } = await provisionOperators(input)
  return { CAMPUS_OPERATOR_DATABASE_URL: operatorUrl, CAMPUS_AUDIT_DATABASE_URL: auditUrl }
}

const [created, operators, ...prepared] = await Promise.all([
  createTopics(),
  admitOperators(),
  ...input.services.map(prepareDatabase),
])
const output: Provisioned = {
  databases: Object.fromEntries(prepared.map(({ name, url }) => [name, url])),
  operators,
  migrations: prepared.flatMap(({ ran }) => ran),
  topics: created,
}
process.stdout.write(JSON.stringify(output))
