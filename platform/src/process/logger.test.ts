import { test } from 'tap'
import { withFlow } from './flow.ts'
import { createLogger, describeError, formatLine } from './logger.ts'

function memoryLog() {
  const lines: string[] = []
  const logger = createLogger({
    service: 'test',
    level: 'debug',
    target: { write: line => lines.push(line) },
  })
  return { lines, logger }
}

test('a line is one JSON object in UTC, whatever its text says', t => {
  const { lines, logger } = memoryLog()
  logger.info({ name: 'a\r\n{"level":"error"}' }, 'x\n\u001B[31mred')
  t.equal(lines.length, 1)
  t.notMatch(lines[0]?.trimEnd(), /\p{Cc}/u)
  const line: unknown = JSON.parse(lines[0] ?? '')
  t.match(line, { level: 'info', service: 'test', time: /Z$/, msg: 'x\n\u001B[31mred' })
  t.end()
})

test('a line inside a flow carries request, correlation and trace id', t => {
  const { lines, logger } = memoryLog()
  const flow = {
    correlationId: 'story',
    causationId: 'request',
    actor: 'anonymous',
    traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
  }
  withFlow(flow, () => logger.info('inside'))
  t.match(JSON.parse(lines[0] ?? ''), {
    requestId: 'request',
    correlationId: 'story',
    traceId: '0af7651916cd43dd8448eb211c80319c',
  })
  t.end()
})

test('secrets and personal data are redacted, also two levels below', t => {
  const { lines, logger } = memoryLog()
  const canary = 'canary-5e1f'
  logger.info({
    password: canary,
    email: canary,
    user: { email: canary, profile: { token: canary } },
    headers: { authorization: canary, cookie: canary, 'set-cookie': canary },
  })
  t.notMatch(lines.join(''), canary)
  t.match(lines.join(''), 'redacted')
  t.end()
})

test('an error is logged with stack, code and causes, but without rows and parameters', t => {
  const { lines, logger } = memoryLog()
  const canary = 'canary-91ab'
  const cause = Object.assign(new Error('duplicate key'), {
    code: '23505',
    detail: `Key (email)=(${canary}) already exists.`,
  })
  const failedQuery = Object.assign(
    new Error(`Failed query: select $1\nparams: ${canary}`, { cause }),
    {
      query: 'select $1',
      params: [canary],
    },
  )
  logger.error({ err: failedQuery }, 'failed')
  t.notMatch(lines.join(''), canary)
  t.match(JSON.parse(lines[0] ?? ''), {
    err: {
      message: 'Failed query: select $1',
      stack: /logger\.test\.ts/,
      cause: { code: '23505', message: 'duplicate key' },
    },
  })
  t.end()
})

test('a thrown value that is no error is named by its type', t => {
  t.match(describeError('text'), { type: 'string' })
  t.end()
})

test('a readable line escapes control characters and shows the stack below', t => {
  const { lines, logger } = memoryLog()
  logger.warn({ err: new Error('broken'), path: '\u001B[2J' }, 'a\u0007b')
  const text = formatLine(lines[0] ?? '')
  t.match(
    text,
    /^\d\d:\d\d:\d\d\.\d{3} WARN {2}test a\\u0007b path="\\u001b\[2J"\n {4}broken\n {4}at /,
  )
  t.end()
})
