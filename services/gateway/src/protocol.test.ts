import { problemOf } from '@campus/platform/testing/problem'
import { sendRaw } from '@campus/platform/testing/raw-http'
import { test } from 'tap'
import { open } from './test-bench.ts'

const post = 'POST /v1/products HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n'
/** The request that would slip through if two servers saw different ends of the first. */
const hidden = 'DELETE /v1/orders/1 HTTP/1.1\r\nHost: x\r\n\r\n'
const chunked = `0\r\n\r\n${hidden}`

/** What servers in a row may disagree about; every one of them is 400. */
const smuggled: readonly (readonly [string, string])[] = [
  ['CL.TE', `${post}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n${chunked}`],
  ['TE.CL', `${post}Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n${chunked}`],
  ['TE twice', `${post}Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n${chunked}`],
  ['TE with something else', `${post}Transfer-Encoding: chunked, identity\r\n\r\n${chunked}`],
  ['TE that is quoted', `${post}Transfer-Encoding: "chunked"\r\n\r\n${chunked}`],
  ['TE with a vertical tab', `${post}Transfer-Encoding:\x0bchunked\r\n\r\n${chunked}`],
  ['space before the colon', `${post}Transfer-Encoding : chunked\r\n\r\n${chunked}`],
  ['two lengths', `${post}Content-Length: 0\r\nContent-Length: 44\r\n\r\n${hidden}`],
  ['a list of lengths', `${post}Content-Length: 0, 44\r\n\r\n${hidden}`],
  ['a signed length', `${post}Content-Length: +4\r\n\r\n${hidden}`],
  ['a hexadecimal length', `${post}Content-Length: 0x4\r\n\r\n${hidden}`],
  ['a bare LF', `${post}X-A: b\nContent-Length: 0\r\n\r\n${hidden}`],
  ['a bare CR', `${post}X-A: b\rContent-Length: 0\r\n\r\n${hidden}`],
  ['folded headers', `${post}X-A: b\r\n Content-Length: 0\r\n\r\n${hidden}`],
  ['a NUL in a header', `${post}X-A: b\0c\r\n\r\n${hidden}`],
  ['a size that is no number', `${post}Transfer-Encoding: chunked\r\n\r\nzz\r\n${hidden}`],
  [
    'a chunk longer than its size',
    `${post}Transfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n${hidden}`,
  ],
  ['no Host', 'GET /v1/products HTTP/1.1\r\nConnection: close\r\n\r\n'],
]

test('S53: what two servers could read differently is 400 and reaches no service', async t => {
  const { port, seen } = await open(t)
  for (const [name, request] of smuggled) {
    await t.test(name, async sub => {
      const answer = await sendRaw(port, request)
      sub.match(problemOf(answer), { status: 400, code: 'request.malformed' })
      sub.equal(answer.body.includes('HTTP/1.1'), false, 'and the connection is closed')
      sub.same(seen, [])
    })
  }
})

test('S53: two Hosts, two Authorizations and headers named by Connection change nothing', async t => {
  const { port, seen, tokens } = await open(t)
  const { authorization } = tokens.bearer()
  const request = [
    'GET /v1/products HTTP/1.1',
    'Host: campus',
    `Authorization: ${authorization}`,
    'Authorization: Bearer forged',
    'Connection: close, x-forwarded-for, x-request-id',
    'Connection: traceparent',
    'Upgrade: h2c',
    'HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA',
    '\r\n',
  ].join('\r\n')
  t.equal((await sendRaw(port, request)).statusCode, 201)
  const { headers } = seen[0] ?? {}
  t.match(headers, { authorization, 'x-forwarded-for': '127.0.0.1', traceparent: /^00-/ })
  t.match(headers, { upgrade: undefined, 'http2-settings': undefined })
})

test('S44, S52: whatever answers, it has the safe headers and an id, and names no software', async t => {
  const { port } = await open(t, { BODY_BYTES_MAX: '1024' })
  const end = 'HTTP/1.1\r\nHost: x\r\nConnection: close\r\n'
  const requests: readonly (readonly [string, number])[] = [
    [`GET /version ${end}\r\n`, 200],
    [`GET /v1/products ${end}\r\n`, 201],
    [`GET /nothing ${end}\r\n`, 404],
    [`GET /v1/%zz ${end}\r\n`, 400],
    [`DELETE /version ${end}\r\n`, 405],
    [`TRACE /v1/products ${end}\r\n`, 405],
    [`CONNECT x:443 ${end}\r\n`, 405],
    [`GET /v1/orders ${end}Authorization: Bearer x\r\n\r\n`, 401],
    [`POST /v1/products ${end}Content-Length: 2000\r\n\r\n`, 413],
    [`POST /v1/products ${end}Content-Encoding: br\r\nContent-Length: 1\r\n\r\nx`, 415],
    [`GET /v1/products ${end}Expect: magic\r\n\r\n`, 417],
    [`GET /v1/products ${end}X-A: ${'a'.repeat(17_000)}\r\n\r\n`, 431],
    [`GET /v1/payment-intents/x ${end}\r\n`, 502],
    [`GET /v1/products/busy ${end}\r\n`, 503],
    [`GET /v1/products/slow ${end}\r\n`, 504],
    [`OPTIONS /v1/products ${end}Access-Control-Request-Method: PUT\r\n\r\n`, 204],
  ]
  for (const [request, status] of requests) {
    const { statusCode, headers } = await sendRaw(port, request)
    t.equal(statusCode, status, request.slice(0, 40))
    t.match(
      headers,
      {
        'x-content-type-options': 'nosniff',
        'content-security-policy': /default-src 'none'/,
        'referrer-policy': 'no-referrer',
        'cache-control': 'no-store',
        'x-request-id': /[\w-]{8,}/,
      },
      `headers of ${status}`,
    )
    for (const name of ['server', 'x-powered-by', 'via', 'strict-transport-security']) {
      t.notOk(name in headers, `${name} of ${status}`)
    }
  }
})
