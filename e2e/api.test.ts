import { join } from 'node:path'
import { prefixes, serviceNames } from '@campus/contracts/prefixes'
import { expectGenerated } from '@campus/platform/testing/generated'
import { problemOf } from '@campus/platform/testing/problem'
import { t as file, test } from 'tap'
import { freshKey, type Json } from '../tools/prove/client.ts'
import { startMesh } from '../tools/prove/mesh.ts'
import { joinCampus } from '../tools/prove/people.ts'

file.setTimeout(200_000)

interface Operation {
  readonly method: string
  readonly template: string
  readonly access: Json
  readonly schema: Json
}

const methods = new Set(['get', 'post', 'put', 'patch', 'delete'])
const strangerId = '0193a1c0-0000-7000-8000-00000000dead'

/** A path with an id of nothing in place of every parameter. */
function pathOf(template: string): string {
  return template.replaceAll(/\{[^}]+\}/g, strangerId)
}

function isMeantBy(url: string, template: string): boolean {
  const pattern = template.replaceAll('.', String.raw`\.`).replaceAll(/\{[^}]+\}/g, '[^/]+')
  return new RegExp(`^${pattern}$`).test(url)
}

test('every operation that is documented answers what is wrong, as a problem document', async t => {
  t.setTimeout(190_000)
  const mesh = await startMesh(t)
  const { client, admin } = mesh
  const document = (await client.must(200, 'GET', '/v1/openapi.json')).body
  const operations: Operation[] = Object.entries<Json>(document.paths).flatMap(([template, item]) =>
    Object.entries<Json>(item)
      .filter(([method]) => methods.has(method))
      .map(([method, schema]) => ({
        method: method.toUpperCase(),
        template,
        schema,
        access: schema['x-access'],
      })),
  )
  t.ok(operations.length > 40, `${operations.length} operations`)

  const send = async (
    { method }: Operation,
    url: string,
    options: { body?: unknown; token?: string; headers?: Record<string, string> } = {},
  ) => {
    const response = await fetch(client.gatewayUrl + url, {
      method,
      headers: {
        ...(options.body !== undefined && { 'content-type': 'application/json' }),
        ...(options.token !== undefined && { authorization: `Bearer ${options.token}` }),
        'idempotency-key': freshKey(),
        'if-match': '"1"',
        ...options.headers,
      },
      ...(options.body !== undefined && { body: JSON.stringify(options.body) }),
    })
    return {
      statusCode: response.status,
      headers: Object.fromEntries(response.headers),
      body: await response.text(),
    }
  }
  const needsUser = ({ access }: Operation) => access !== 'public' && access !== 'optional'

  await t.test('the document in docs/ is the one that is served', async t => {
    // The address of this mesh is nobody else's.
    const { servers: _, ...rest } = document
    const text = `${JSON.stringify(rest, null, 2)}\n`
    t.doesNotThrow(() => expectGenerated(join(import.meta.dirname, '../docs/openapi.json'), text))
  })

  await t.test('every operation lies under a public prefix of its service', async t => {
    const all = serviceNames.flatMap(service => prefixes[service])
    for (const { template } of operations) {
      t.ok(
        all.some(prefix => template === prefix || template.startsWith(`${prefix}/`)),
        template,
      )
    }
  })

  await t.test('no two templates mean the same path', async t => {
    const shapes = Object.keys(document.paths).map(pathOf)
    t.equal(new Set(shapes).size, shapes.length)
  })

  await t.test('without a token, and with a bad one: 401', async t => {
    for (const operation of operations.filter(needsUser)) {
      const url = pathOf(operation.template)
      for (const headers of [{}, { authorization: 'Bearer nonsense' }]) {
        const response = await send(operation, url, { headers })
        t.equal(problemOf(response).code, 'auth.token_invalid', `${operation.method} ${url}`)
        t.match(response.headers['www-authenticate'], /^Bearer/)
      }
    }
  })

  await t.test('a role that is missing: 403', async t => {
    const { token } = await joinCampus(client, mesh.inboxUrl, {
      email: 'student@campus.example',
      name: 'Student',
    })
    for (const operation of operations.filter(({ access }) => access?.roles !== undefined)) {
      const url = pathOf(operation.template)
      const response = await send(operation, url, { token })
      t.equal(problemOf(response).code, 'auth.role_missing', `${operation.method} ${url}`)
    }
  })

  await t.test('an unknown field and a wrong type in the body: 400 that points at it', async t => {
    for (const operation of operations.filter(({ schema }) => schema.requestBody)) {
      // Whoever cannot sign learns nothing about the shape.
      if (operation.template === '/v1/psp/webhooks') continue
      const url = pathOf(operation.template)
      const schema = operation.schema.requestBody.content['application/json'].schema
      const token = admin.token
      const name = `${operation.method} ${url}`
      const unknown = schema.type === 'array' ? [{ unknown: 1 }] : { unknown: 1 }
      const first = problemOf(await send(operation, url, { token, body: unknown }))
      t.equal(first.code, 'request.invalid', name)
      t.ok(first.errors?.[0]?.pointer, name)
      const [field] = Object.keys(schema.properties ?? {})
      if (field === undefined) continue
      const wrong = problemOf(await send(operation, url, { token, body: { [field]: [[]] } }))
      t.equal(wrong.code, 'request.invalid', `${name} with a wrong ${field}`)
    }
  })

  await t.test('an unknown query parameter: 400', async t => {
    for (const operation of operations) {
      if (operation.template === '/v1/openapi.json' || operation.template === '/version') continue
      const url = `${pathOf(operation.template)}?unknown=1`
      const token = admin.token
      const response = await send(operation, url, { token })
      t.equal(problemOf(response).status, 400, `${operation.method} ${url}`)
    }
  })

  await t.test('a wrong method: 405 with Allow; an unknown path: 404', async t => {
    for (const template of Object.keys(document.paths)) {
      const url = pathOf(template)
      // `/v1/products/popular` is also what `/v1/products/{productId}` means.
      const known = operations.filter(operation => isMeantBy(url, operation.template))
      const method = ['PATCH', 'DELETE', 'PUT', 'POST'].find(one =>
        known.every(operation => operation.method !== one),
      )
      const [operation] = known
      if (method === undefined || operation === undefined) continue
      const response = await send({ ...operation, method }, url, { token: admin.token })
      t.equal(problemOf(response).code, 'request.method_not_allowed', `${method} ${url}`)
      for (const { method: allowed } of known) {
        t.match(response.headers['allow'], allowed, `${method} ${url} allows ${allowed}`)
      }
      const lost = await send(operation, `${url}/x/y/z`, { token: admin.token })
      t.equal(problemOf(lost).code, 'request.not_found', `${url}/x/y/z`)
    }
  })

  await t.test('what does not exist, or is not yours: 404', async t => {
    for (const operation of operations) {
      if (operation.method !== 'GET' || !operation.template.includes('{')) continue
      const url = pathOf(operation.template)
      const response = await send(operation, url, { token: admin.token })
      // A list of something that does not exist is empty.
      if (response.statusCode === 200) t.same(JSON.parse(response.body).data, [], url)
      else t.equal(problemOf(response).code, 'request.not_found', url)
    }
  })
})
