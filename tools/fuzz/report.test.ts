import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'tap'
import { conclude, type Report, readReport } from './report.ts'

/** A line of a run: one request to an operation, with its answer and the checks of it. */
function scenario(
  label: string,
  answer: { readonly status: number; readonly method?: string; readonly phase?: string },
  checks: readonly object[] = [{ name: 'not_a_server_error', status: 'success' }],
): string {
  const [own, path] = label.split(' ')
  const { status, method = own, phase = 'coverage' } = answer
  const recorder = {
    label,
    cases: { a: { value: { method, path } } },
    interactions: { a: { response: { status_code: status } } },
    checks: { a: checks },
  }
  return JSON.stringify({ ScenarioFinished: { phase, recorder } })
}

test('a report names what was reached, and each failure once, also that of a request', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'campus-report-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const failed = {
    name: 'not_a_server_error',
    status: 'failure',
    failure_info: { failure: { message: 'It\n  failed.' } },
  }
  const file = join(folder, 'run.ndjson')
  writeFileSync(
    file,
    [
      JSON.stringify({ EngineStarted: {} }),
      scenario('POST /v1/auth/register', { status: 202, phase: 'auth_bootstrap' }),
      scenario('GET /v1/products', { status: 200 }),
      scenario('GET /v1/orders', { status: 401 }),
      scenario('GET /v1/carts', { status: 200, method: 'OPTIONS' }),
      scenario('POST /v1/carts', { status: 500 }, [failed]),
      scenario('POST /v1/carts', { status: 500 }, [failed]),
      JSON.stringify({
        NonFatalError: {
          phase: 'fuzzing',
          label: 'GET /v1/orders',
          value: { type: 'Timeout', message: 'No answer.' },
        },
      }),
    ].join('\n'),
  )
  const { cases, asked, reached, failures } = await readReport(file)
  t.equal(cases, 5)
  t.equal(asked.size, 4)
  t.same([...(asked.get('POST /v1/carts') ?? [])], [500])
  t.same([...reached], ['GET /v1/products'])
  t.same(failures, [
    {
      check: 'not_a_server_error',
      operation: 'POST /v1/carts',
      status: 500,
      text: 'It failed.',
    },
    { check: 'Timeout', operation: 'GET /v1/orders', status: 0, text: 'No answer.' },
  ])
})

test('all is well when every operation was reached by some run, and no run was empty or found anything', async t => {
  const report = (reached: readonly string[], more: Partial<Report> = {}): Report => ({
    cases: 1,
    asked: new Map([['GET /a', new Set([401])]]),
    reached: new Set(reached),
    failures: [],
    ...more,
  })
  const operations = ['GET /a', 'GET /b']
  const both = [report(['GET /a']), report(['GET /b'])]
  t.same(conclude(operations, both), {
    isGood: true,
    text: '2 of 2 operations answered 2xx to somebody\n',
  })
  t.same(conclude(operations, [report(['GET /b'])]), {
    isGood: false,
    text: '  not GET /a: 401\n1 of 2 operations answered 2xx to somebody\n',
  })
  const failure = { check: 'c', operation: 'GET /a', status: 500, text: '' }
  t.notOk(conclude(operations, [...both, report([], { failures: [failure] })]).isGood)
  t.notOk(conclude(operations, [...both, report([], { cases: 0 })]).isGood)
})
