import assert from 'node:assert/strict'
import { eventually } from '@campus/platform/testing/eventually'
import { problemOf } from '@campus/platform/testing/problem'
import { t as file, test } from 'tap'
import { openBench } from '../test-bench.ts'

file.setTimeout(120_000)
const bench = await openBench(file)

type Session = Awaited<ReturnType<typeof bench.logIn>>

const list = async ({ headers }: Session, query = '') =>
  (await bench.app.inject({ url: `/v1/me/sessions${query}`, headers })).json()
const remove = async ({ headers }: Session, path: string) =>
  bench.app.inject({ method: 'DELETE', url: `/v1/me/sessions${path}`, headers })

/** Waits until every token of this session is refused. */
async function isOut({ headers, refreshToken }: Session): Promise<void> {
  await eventually(
    async () => {
      assert.equal((await bench.app.inject({ url: '/v1/me', headers })).statusCode, 401)
    },
    { timeoutMs: 5_000 },
  )
  assert.equal((await bench.post('/v1/auth/refresh', { refreshToken })).statusCode, 401)
}

test('a person sees the own live sessions, the newest first, page by page', async t => {
  const person = await bench.someone()
  const sessions = [await bench.logIn(person), await bench.logIn(person), await bench.logIn(person)]
  const last = sessions[2]
  assert.ok(last)
  const first = await list(last, '?limit=2')
  t.same(
    first.data.map(({ isCurrent }: { isCurrent: boolean }) => isCurrent),
    [true, false],
  )
  const rest = await list(last, `?limit=2&cursor=${first.page.next}`)
  t.equal(rest.data.length, 1)
  t.equal(rest.page.next, null)
  t.match(first.data[0], { kind: 'browser', openedAt: String, expiresAt: String })
  const stranger = await bench.logIn(await bench.someone())
  t.equal((await list(stranger)).data.length, 1)
  const { headers } = stranger
  const foreign = await bench.app.inject({
    url: `/v1/me/sessions?limit=2&cursor=${first.page.next}`,
    headers,
  })
  t.equal(problemOf(foreign).code, 'request.cursor_invalid')
})

test('a session that its owner ends is out within 5 seconds, and the others are not', async t => {
  const person = await bench.someone()
  const [old, current] = [await bench.logIn(person), await bench.logIn(person)]
  const { data } = await list(current)
  const { sid } = data[1]
  const stranger = await bench.logIn(await bench.someone())
  t.equal(problemOf(await remove(stranger, `/${sid}`)).code, 'request.not_found')
  t.equal((await remove(current, `/${sid}`)).statusCode, 204)
  await isOut(old)
  t.equal(problemOf(await remove(current, `/${sid}`)).code, 'request.not_found')
  t.equal((await list(current)).data.length, 1)
})

test('everywhere else is out, or everywhere', async t => {
  const person = await bench.someone()
  const [old, older, current] = [
    await bench.logIn(person),
    await bench.logIn(person),
    await bench.logIn(person),
  ]
  t.equal((await remove(current, '?except=others')).statusCode, 400)
  t.equal((await remove(current, '?except=current')).statusCode, 204)
  await Promise.all([isOut(old), isOut(older)])
  t.match((await list(current)).data, [{ isCurrent: true }])
  t.equal((await remove(current, '')).statusCode, 204)
  await isOut(current)
})
