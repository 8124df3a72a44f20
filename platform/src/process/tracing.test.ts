import { createServer } from 'node:http'
import { StringDecoder } from 'node:string_decoder'
import { test } from 'tap'
import { listenOnLoopback } from '../testing/listen.ts'
import { currentFlow, withFlow } from './flow.ts'
import { childTraceparent, parseTraceparent, startSpan, startTracing, withSpan } from './tracing.ts'

const traceId = '0af7651916cd43dd8448eb211c80319c'
const parent = `00-${traceId}-b7ad6b7169203331-01`

const malformed = [
  undefined,
  '',
  'garbage',
  `ff-${traceId}-b7ad6b7169203331-01`,
  `00-${'0'.repeat(32)}-b7ad6b7169203331-01`,
  `00-${traceId}-0000000000000000-01`,
  `00-${traceId.toUpperCase()}-b7ad6b7169203331-01`,
  `${parent}-more`,
  `${parent}\r\nx: y`,
]

test('a malformed traceparent is no parent: a new trace begins', t => {
  for (const text of malformed) {
    t.equal(parseTraceparent(text), undefined)
    if (text !== undefined) t.notMatch(childTraceparent(text), traceId)
  }
  t.same(parseTraceparent(parent), { traceId, spanId: 'b7ad6b7169203331', flags: 1 })
  t.same(parseTraceparent(`cc-${traceId}-b7ad6b7169203331-03-future`)?.flags, 1)
  t.end()
})

test('a child keeps trace and sampling and has an id of its own', t => {
  const children = new Set(Array.from({ length: 2_000 }, () => childTraceparent(parent)))
  t.equal(children.size, 2_000)
  for (const child of children) t.match(parseTraceparent(child), { traceId, flags: 1 })
  t.match(childTraceparent(parent.replace(/1$/, '0')), /-00$/)
  t.end()
})

const flow = { correlationId: 'c', causationId: 'c', actor: 'timer', traceparent: parent }

test('without a collector, withSpan keeps the flow in the right trace', async t => {
  await withFlow(flow, async () => {
    const inside = await withSpan('step', 'internal', {}, async () => currentFlow()?.traceparent)
    t.match(inside, traceId)
    t.not(inside, parent)
    t.equal(currentFlow()?.traceparent, parent)
  })
  t.equal(await withSpan('alone', 'internal', {}, async () => currentFlow()), undefined)
})

test('tracing without an endpoint starts and stops without loading anything', async t => {
  const tracing = await startTracing({ service: 'test', endpoint: '' })
  await t.resolves(tracing.stop())
})

test('with a collector, spans are exported with parent, kind, links, status and service', async t => {
  const bodies: string[] = []
  const collector = createServer((request, response) => {
    const body = new StringDecoder()
    bodies.push(request.url ?? '')
    request.on('data', (chunk: Buffer) => bodies.push(body.write(chunk)))
    request.on('end', () => response.end('{}'))
  })
  const port = await listenOnLoopback(t, collector)

  const tracing = await startTracing({ service: 'orders', endpoint: `http://127.0.0.1:${port}/` })
  const linked = '00-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-bbbbbbbbbbbbbbbb-01'
  await withFlow(flow, async () => {
    await t.rejects(
      withSpan(
        'fails',
        'consumer',
        { a: 1 },
        () => Promise.reject(new TypeError('canary')),
        parent,
        [linked],
      ),
    )
    const span = startSpan('request', 'server', {})
    t.match(span.traceparent, new RegExp(`^00-${traceId}-.*-01$`))
    span.end({ attributes: { 'http.response.status_code': 200 } })
  })
  await tracing.stop()

  const text = bodies.join('')
  t.match(text, /^\/v1\/traces/)
  t.match(text, traceId)
  t.match(text, '"parentSpanId":"b7ad6b7169203331"')
  t.match(text, 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa')
  t.match(text, 'error.type')
  t.match(text, '"stringValue":"orders"')
  t.notMatch(text, 'canary')
})

test('a collector that is away costs spans and nothing else', async t => {
  const tracing = await startTracing({ service: 'orders', endpoint: 'http://127.0.0.1:9' })
  t.equal(await withSpan('step', 'internal', {}, async () => 'done'), 'done')
  await t.resolves(tracing.stop())
})
