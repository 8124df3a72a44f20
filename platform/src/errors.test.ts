import { test } from 'tap'
import { AppError, chassis, defineErrors, fail, invalid, refuseAll } from './errors.ts'

const refuse = defineErrors('orders', {
  cart_empty: { status: 409, message: 'The cart has no lines.' },
  line_shipped: { status: 409, message: 'A line has left the warehouse.' },
})

test('a factory makes a reason with the code <service>.<reason> and its details', t => {
  t.same(refuse.cart_empty(), {
    code: 'orders.cart_empty',
    status: 409,
    message: 'The cart has no lines.',
  })
  t.same(refuse.line_shipped({ lineId: '1' }).details, { lineId: '1' })
  t.end()
})

test('refuseAll throws every reason at once, and nothing for an empty list', t => {
  refuseAll([])
  t.throws(() => refuseAll([refuse.line_shipped(), refuse.cart_empty()]), {
    name: 'AppError',
    code: 'orders.line_shipped',
    status: 409,
    reasons: [{ code: 'orders.line_shipped' }, { code: 'orders.cart_empty' }],
  })
  t.end()
})

test('fail refuses with one reason', t => {
  t.throws(() => fail(chassis.notFound()), { code: 'request.not_found', status: 404 })
  t.end()
})

test('an AppError without a reason is a bug', t => {
  t.throws(() => new AppError([]), TypeError)
  t.end()
})

test('invalid names every wrong input', t => {
  const error = invalid([{ pointer: '#/quantity', code: 'minimum' }])
  t.equal(error.status, 400)
  t.same(error.extra, { errors: [{ pointer: '#/quantity', code: 'minimum' }] })
  t.end()
})

test('every chassis reason has a code of its own and a status between 400 and 503', t => {
  const reasons = Object.values(chassis).map(factory => factory())
  t.equal(new Set(reasons.map(({ code }) => code)).size, reasons.length)
  for (const { code, status } of reasons) {
    t.match(code, /^(request|auth|server)\.[a-z_]+$/)
    t.ok(status >= 400 && status <= 503, code)
  }
  t.end()
})
