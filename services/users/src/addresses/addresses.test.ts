import { problemOf } from '@campus/platform/testing/problem'
import { t as file, test } from 'tap'
import { firstAdminSecret, newPerson, openBench } from '../test-bench.ts'

file.setTimeout(120_000)
const bench = await openBench(file)
const boss = newPerson()
await bench.post('/v1/auth/first-admin', { ...boss, secret: firstAdminSecret })

const home = { name: 'Ada Lovelace', line1: '12 St James’s Square', city: 'London', country: 'GB' }

/** Somebody who has signed in, with requests about the own addresses. */
async function somebody() {
  const { headers, user } = await bench.logIn(await bench.someone())
  const ask = async (method: 'GET' | 'POST' | 'PATCH' | 'DELETE', path = '', payload?: object) =>
    bench.app.inject({
      method,
      url: `/v1/me/addresses${path}`,
      headers,
      ...(payload !== undefined && { payload }),
    })
  const list = async () => (await ask('GET')).json().data
  return { userId: user.id, ask, list }
}

test('an address is added, changed and removed, and others never see it', async t => {
  const [ada, eve] = [await somebody(), await somebody()]
  const made = await ada.ask('POST', '', { ...home, city: ' London ' })
  t.equal(made.statusCode, 201)
  t.match(made.json(), { ...home, line2: '', postalCode: '', region: '' })
  const changed = await ada.ask('PATCH', `/${made.json().id}`, { postalCode: 'SW1Y 4LB' })
  t.match(changed.json(), { ...home, postalCode: 'SW1Y 4LB' })
  t.not(changed.json().id, made.json().id, 'another version is another id')
  t.match(await ada.list(), [{ id: changed.json().id }])
  t.same(await eve.list(), [])
  for (const id of [made.json().id, changed.json().id]) {
    t.equal((await eve.ask('PATCH', `/${id}`, { city: 'Paris' })).statusCode, 404)
    t.equal((await eve.ask('DELETE', `/${id}`)).statusCode, 404)
  }
  t.equal((await ada.ask('PATCH', `/${made.json().id}`, { city: 'Bath' })).statusCode, 404)
  t.equal((await ada.ask('DELETE', `/${changed.json().id}`)).statusCode, 204)
  t.equal((await ada.ask('DELETE', `/${changed.json().id}`)).statusCode, 404)
  t.same(await ada.list(), [])
})

test('staff reads the address that an order names, as it was, and nobody else does', async t => {
  const ada = await somebody()
  const made = (await ada.ask('POST', '', home)).json()
  await ada.ask('PATCH', `/${made.id}`, { city: 'Bath' })
  const url = `/v1/users/${ada.userId}/addresses/${made.id}`
  const { headers } = await bench.logIn(boss)
  t.match((await bench.app.inject({ url, headers })).json(), { id: made.id, city: 'London' })
  const stranger = `/v1/users/${made.id}/addresses/${made.id}`
  t.equal((await bench.app.inject({ url: stranger, headers })).statusCode, 404)
  const student = await bench.logIn(await bench.someone())
  t.equal((await bench.app.inject({ url, headers: student.headers })).statusCode, 403)
})

test('events tell where an address is, and nothing else of it', async t => {
  const ada = await somebody()
  const made = (await ada.ask('POST', '', home)).json()
  const changed = (await ada.ask('PATCH', `/${made.id}`, { country: 'IT' })).json()
  await ada.ask('DELETE', `/${changed.id}`)
  const told = (await bench.emitted(`user:${ada.userId}`)).filter(({ type }) =>
    type.startsWith('address_'),
  )
  const { userId } = ada
  t.same(told, [
    { type: 'address_saved', data: { userId, addressId: made.id, zone: 'GB' } },
    { type: 'address_removed', data: { userId, addressId: made.id } },
    { type: 'address_saved', data: { userId, addressId: changed.id, zone: 'IT' } },
    { type: 'address_removed', data: { userId, addressId: changed.id } },
  ])
})

test('an address without its lines is refused with all of them, and so are lines that are none', async t => {
  const ada = await somebody()
  const spaces = await ada.ask('POST', '', { ...home, name: ' ', city: '\u00a0' })
  t.match(problemOf(spaces), { code: 'request.invalid' })
  t.match(spaces.json().errors, [{ pointer: '#/name' }, { pointer: '#/city' }])
  for (const wrong of [
    { country: 'gb' },
    { line1: 'a\nb' },
    { city: undefined },
    { planet: 'x' },
  ]) {
    t.equal((await ada.ask('POST', '', { ...home, ...wrong })).statusCode, 400)
  }
  const { id } = (await ada.ask('POST', '', home)).json()
  t.equal((await ada.ask('PATCH', `/${id}`, {})).statusCode, 400)
})

test('twenty addresses are the most, however many are added at once', async t => {
  const ada = await somebody()
  const answers = await Promise.all(Array.from({ length: 25 }, () => ada.ask('POST', '', home)))
  const made = answers.filter(({ statusCode }) => statusCode === 201)
  t.equal(made.length, 20)
  t.equal((await ada.list()).length, 20)
  const refused = await ada.ask('POST', '', home)
  t.equal(problemOf(refused).code, 'users.too_many_addresses')
})
