// Everything in docs that is made from code. `npm run docs` runs this file to write it.
import { join } from 'node:path'
import { everyEvent } from '@campus/contracts/events/all'
import { topics } from '@campus/contracts/topics'
import { expectGenerated } from '@campus/platform/testing/generated'
import { test } from 'tap'
import type { TSchema } from 'typebox'
import { Check } from 'typebox/value'
import { root } from '../../local/services.ts'
import { breaks } from './additive.ts'
import { asyncApi, topicReaders } from './asyncapi.ts'
import { errorPage, everyCode } from './errors.ts'
import { eventCatalogue } from './event-catalogue.ts'
import { eventFlow } from './event-flow.ts'
import { eventId, strayMoments } from './events.ts'
import { exampleOf } from './example.ts'
import { httpFile } from './http-file.ts'
import { formatJson } from './json.ts'
import type { JsonSchema } from './json-schema.ts'
import { bodySchema, openApiFile, operationsOf, readOpenApi } from './open-api.ts'
import { policiesByRoute, ratePolicies } from './rate-policies.ts'
import { releasedFile } from './released.ts'
import { ownerOf, routePage } from './route-page.ts'
import { serviceSources, writtenServices } from './sources.ts'

const sources = serviceSources()
const services = writtenServices()
const flow = [...eventFlow(sources), ...topicReaders(services)]
const openApi = readOpenApi(openApiFile)
const operations = operationsOf(openApi)

function doc(name: string): string {
  return join(root, 'docs', name)
}

test('docs/asyncapi.json is what contracts and services say, and the gateway serves the same', async t => {
  const text = formatJson(asyncApi(flow))
  t.doesNotThrow(() => expectGenerated(doc('asyncapi.json'), text))
  const served = join(root, 'services/gateway/src/docs/asyncapi.json')
  t.doesNotThrow(() => expectGenerated(served, text))
})

test('docs/event-catalogue.md tells of every event when it is emitted and who hears it', async t => {
  t.same(strayMoments(), [])
  t.doesNotThrow(() => expectGenerated(doc('event-catalogue.md'), eventCatalogue(flow)))
})

test('docs/errors.md lists every problem code once', async t => {
  const codes = await everyCode(services)
  t.equal(new Set(codes.map(({ code }) => code)).size, codes.length)
  t.ok(codes.length > 80, `${codes.length} codes`)
  t.doesNotThrow(() => expectGenerated(doc('errors.md'), errorPage(codes)))
})

test('docs/routes.md shows the owner, the access and the rate policy of every operation', async t => {
  const policies = await ratePolicies(sources)
  const byRoute = policiesByRoute(sources)
  const known = new Set(operations.map(({ name }) => name))
  for (const [route, policy] of byRoute) {
    t.ok(known.has(route), `${route} is documented`)
    const service = ownerOf(route.split(' ')[1] ?? '')
    t.ok(
      policies.some(one => one.name === policy && one.service === service),
      `${route}: ${policy} is declared`,
    )
  }
  for (const { name, path } of operations) t.ok(ownerOf(path), name)
  t.doesNotThrow(() => expectGenerated(doc('routes.md'), routePage(openApi, policies, byRoute)))
})

test('requests/campus.http has a request for every operation, whose body meets its schema', async t => {
  const text = httpFile(openApi)
  for (const { method, path } of operations) {
    t.ok(text.includes(`\n${method} {{host}}${path.replaceAll(/[{}]/g, '$&$&')}\n`), path)
  }
  const anyId = '00000000-0000-7000-8000-000000000000'
  for (const { name, object } of operations) {
    const schema = bodySchema(object.requestBody?.content)
    if (schema === undefined) continue
    const body = JSON.stringify(exampleOf(schema, field => field)).replaceAll(/\{\{\w+\}\}/g, anyId)
    t.ok(Check(schemaOf(schema), JSON.parse(body)), `${name}: ${body}`)
  }
  t.doesNotThrow(() => expectGenerated(join(root, 'requests/campus.http'), text))
})

test('the API keeps what the last release has promised', async t => {
  t.same(breaks(readOpenApi(releasedFile), openApi), [])
})

test('the AsyncAPI document is whole: every reference leads somewhere, every example meets its schema', async t => {
  const document: Tree = JSON.parse(JSON.stringify(asyncApi(flow)))
  for (const pointer of references(document)) t.ok(at(document, pointer), pointer)
  for (const kind of everyEvent) {
    const message = at(document, `#/components/messages/${eventId(kind)}`)
    t.match(message, { name: kind.type, summary: /\.$/, payload: { type: 'object' } }, kind.type)
    t.ok(Check(kind.schema, kind.example), kind.type)
  }
  t.same(
    Object.keys(at(document, '#/channels') ?? {}),
    topics.map(({ name }) => name),
  )
  for (const [name, operation] of Object.entries(at(document, '#/operations') ?? {})) {
    t.match(name, /^[\w.-]+$/)
    t.match(operation, { action: /^(send|receive)$/, channel: {}, messages: [{}] }, name)
  }
})

test('what a service hears, some service sends, unless that service is not written yet', async t => {
  const written = new Set(services)
  for (const { kind, service, action } of flow) {
    const sender = kind.type.split('.')[0] ?? ''
    if (action === 'send') t.equal(service, sender, `${kind.type} is sent by its own service`)
    else if (written.has(sender)) {
      const isSent = flow.some(step => step.action === 'send' && step.kind === kind)
      t.ok(isSent, `${kind.type}, which ${service} hears`)
    }
  }
})

test('a definition that is used in a new way is noticed', async t => {
  const text = "import { orderPlaced } from '@campus/contracts/events/orders'\npublish(orderPlaced)"
  t.throws(() => eventFlow([{ service: 'orders', path: 'x.ts', text }]), /neither sends nor hears/)
})

type Tree = { readonly [name: string]: unknown }

/** Every `$ref` in a document. */
function references(node: unknown): string[] {
  if (typeof node !== 'object' || node === null) return []
  return Object.entries(node).flatMap(([name, value]) =>
    name === '$ref' ? [String(value)] : references(value),
  )
}

function at(document: Tree, pointer: string): object | undefined {
  let node: unknown = document
  for (const step of pointer.split('/').slice(1)) node = Reflect.get(Object(node), step)
  return typeof node === 'object' && node !== null ? node : undefined
}

/** A schema of a document, which is JSON, as the validator takes it. */
function schemaOf(schema: JsonSchema): TSchema {
  return { ...schema }
}
