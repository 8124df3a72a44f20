import { test } from 'tap'
import { isDependencyFailure } from '../data/dependency.ts'
import { AppError, chassis } from '../errors.ts'
import { toAppError } from './failure.ts'

const withCode = (code: string) => Object.assign(new Error('x'), { code })

const outages: Readonly<Record<string, unknown>> = {
  'a refused connection': withCode('ECONNREFUSED'),
  'a connection that was reset': withCode('ECONNRESET'),
  'an unknown host, wrapped twice': new Error('a', {
    cause: new TypeError('fetch failed', { cause: withCode('ENOTFOUND') }),
  }),
  'a full pool': new Error('timeout exceeded when trying to connect'),
  'a Postgres connection that ended': new Error('Connection terminated unexpectedly'),
  'a Redis that is not there': new Error(
    "Stream isn't writeable and enableOfflineQueue options is false",
  ),
  'a Redis that is slow': new Error('Command timed out'),
  'a call beyond its deadline': new DOMException('late', 'TimeoutError'),
}

for (const [name, error] of Object.entries(outages)) {
  test(`${name} is 503 server.dependency_down with Retry-After`, t => {
    const refusal = toAppError(error)
    t.equal(refusal.code, 'server.dependency_down')
    t.equal(refusal.headers?.['retry-after'], '2')
    t.end()
  })
}

test('a bug is 500, whatever was thrown', t => {
  for (const thrown of [new Error('x'), withCode('ENOENT'), 'text', undefined, null]) {
    t.equal(toAppError(thrown).code, 'server.failed')
  }
  t.end()
})

test('an AppError is passed on as it is', t => {
  const refusal = new AppError([chassis.notFound()])
  t.equal(toAppError(refusal), refusal)
  t.end()
})

test('a chain of causes that closes on itself ends', t => {
  const error = new Error('x')
  error.cause = error
  t.notOk(isDependencyFailure(error))
  t.end()
})
