import { test } from 'tap'
import { Type } from 'typebox'
import { Check } from 'typebox/value'
import { decodeCursor, encodeCursor, PageQuery, pageLimit, toPage } from './pagination.ts'

const scope = {
  secret: 'a secret of the tests',
  sort: 'orders.newest',
  filter: { state: 'open', course: null },
  userId: 'u1',
}
const Position = Type.Tuple([Type.String(), Type.Integer()])

test('a cursor gives its position back in its own list, whatever the order of the filter', t => {
  const cursor = encodeCursor(['2026-11-23T10:00:00.000Z', 7], scope)
  t.ok(Check(PageQuery, { cursor }))
  const same = { ...scope, filter: { course: null, state: 'open' } }
  t.same(decodeCursor(cursor, same, Position), ['2026-11-23T10:00:00.000Z', 7])
  t.end()
})

test('a cursor of another filter, user, list or secret, and a made-up one, is 400', t => {
  const cursor = encodeCursor(['a', 7], scope)
  const wrong = { code: 'request.cursor_invalid', status: 400 }
  for (const other of [
    { ...scope, filter: { state: 'all', course: null } },
    { ...scope, userId: 'u2' },
    { ...scope, userId: undefined },
    { ...scope, sort: 'orders.oldest' },
    { ...scope, secret: 'another secret' },
  ]) {
    t.throws(() => decodeCursor(cursor, other, Position), wrong)
  }
  for (let at = 0; at < cursor.length - 1; at += 1) {
    const changed = `${cursor.slice(0, at)}${cursor[at] === 'A' ? 'B' : 'A'}${cursor.slice(at + 1)}`
    t.throws(() => decodeCursor(changed, scope, Position), wrong)
  }
  for (const text of ['', 'A', 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA']) {
    t.throws(() => decodeCursor(text, scope, Position), wrong)
  }
  t.throws(() => decodeCursor(encodeCursor([7, 'a'], scope), scope, Position), wrong)
  t.end()
})

test('a limit is text of 1 to 100, 25 when absent; anything else is refused', t => {
  t.equal(pageLimit({}), 25)
  for (const limit of ['1', '25', '99', '100']) {
    t.ok(Check(PageQuery, { limit }), limit)
    t.equal(pageLimit({ limit }), Number(limit))
  }
  for (const limit of ['0', '101', '1e2', '-1', '1.5', '', ' 5', '007', '1000']) {
    t.notOk(Check(PageQuery, { limit }), limit)
  }
  t.end()
})

test('the extra row tells that there is more; the last page has no next', t => {
  const options = {
    limit: 2,
    scope,
    position: (row: { id: number }) => ['x', row.id],
    view: ({ id }: { id: number }) => `row ${id}`,
  }
  const first = toPage([{ id: 1 }, { id: 2 }, { id: 3 }], options)
  t.same(first.data, ['row 1', 'row 2'])
  t.same(decodeCursor(first.page.next ?? '', scope, Position), ['x', 2])
  t.same(toPage([{ id: 3 }, { id: 4 }], options).page, { next: null, limit: 2 })
  t.same(toPage([], options), { data: [], page: { next: null, limit: 2 } })
  t.end()
})
