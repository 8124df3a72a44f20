import { test } from 'tap'
import { quietParts } from '../testing/chassis-parts.ts'
import { problemOf } from '../testing/problem.ts'
import { etagOf, requireIfMatch } from './etag.ts'
import { createServer } from './server.ts'

test('a change needs the ETag of the current version', async t => {
  const app = createServer({ service: 'test', ...quietParts() })
  t.teardown(() => app.close())
  app.register(async routes => {
    routes.put('/v1/thing', { config: { access: 'public' } }, async (request, reply) => {
      requireIfMatch(request, 3, { name: 'current' })
      return reply.header('etag', etagOf(4)).send({})
    })
  })
  const put = async (ifMatch?: string) =>
    app.inject({
      method: 'PUT',
      url: '/v1/thing',
      headers: ifMatch === undefined ? {} : { 'if-match': ifMatch },
    })

  t.match(problemOf(await put()), { status: 428, code: 'request.if_match_required' })
  for (const stale of ['"2"', 'W/"3"', '3', '']) {
    const response = await put(stale)
    t.match(problemOf(response), { status: 412, code: 'request.version_stale' }, stale)
    t.match(response.json(), { current: { name: 'current' } }, stale)
    t.equal(response.headers['etag'], '"3"', stale)
  }
  for (const fresh of ['"3"', '"1", "3"', '*']) t.equal((await put(fresh)).statusCode, 200, fresh)
})
