// F11 of docs/events.md over the gateway: two replicas of every service, restarted one after the other.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { eventually } from '@campus/platform/testing/eventually'
import { t as file, test } from 'tap'
import { locateHome } from '../tools/local/home.ts'
import { readRunFile } from '../tools/local/run-file.ts'
import { auditMesh } from '../tools/prove/audit-mesh.ts'
import { startBalancer } from '../tools/prove/balancer.ts'
import { type Answer, type Client, createClient } from '../tools/prove/client.ts'
import { gatherCrowd } from '../tools/prove/crowd.ts'
import { type Mesh, startMesh } from '../tools/prove/mesh.ts'
import { purchase } from '../tools/prove/purchase.ts'
import { type Replica, startReplica } from '../tools/prove/replica.ts'

file.setTimeout(300_000)

const services = ['users', 'catalog', 'orders', 'payments', 'notifications']
const paths = ['/v1/products', '/v1/me', '/v1/me/cart', '/v1/orders', '/v1/me/notifications']

/** Says of every answer that is our fault, and of every request without one, what was happening. */
function watched(client: Client, failures: string[], now: () => string): Client {
  const note = (text: string) => failures.push(`${text} while ${now()}`)
  return {
    ...client,
    async ask(method, path, options): Promise<Answer> {
      try {
        const answer = await client.ask(method, path, options)
        if (answer.status >= 500) note(`${method} ${path}: ${answer.status} ${answer.body?.code}`)
        return answer
      } catch (error) {
        note(`${method} ${path}: ${String(error)} ${String(Object(error).cause)}`)
        throw error
      }
    },
  }
}

async function restart(mesh: Mesh, service: string): Promise<void> {
  const before = await mesh.pidOf(service)
  process.kill(before, 'SIGTERM')
  await eventually(
    async () => {
      const { processes } = await mesh.status()
      const own = processes.find(({ name }) => name === service)
      if (own?.state !== 'ready' || own.pid === before) throw new Error(`${service} is not back.`)
    },
    { timeoutMs: 30_000, everyMs: 100 },
  )
}

test('F11: a rolling restart of two replicas of everything, while people read and buy: no 5xx at the gateway', async t => {
  t.setTimeout(280_000)
  const home = mkdtempSync(join(tmpdir(), 'campus-rolling-'))
  t.teardown(() => rmSync(home, { recursive: true, force: true }))
  const replicas = new Map<string, Replica>()
  const settings: Record<string, string> = {}
  const balance = async (service: string) =>
    startBalancer(t, () => {
      const own = readRunFile(locateHome(home))?.endpoints[service]
      return [own ?? [], replicas.get(service)?.url ?? []].flat()
    })
  const everything = [...services, 'gateway']
  for (const service of services) {
    const url = await balance(service)
    settings[`CAMPUS_GATEWAY_${service.toUpperCase()}_URL`] = url
    if (service !== 'users') continue
    for (const one of everything) {
      settings[`CAMPUS_${one.toUpperCase()}_JWKS_URL`] = `${url}/.well-known/jwks.json`
    }
  }
  const mesh = await startMesh(t, settings, { home })
  await Promise.all(
    everything.map(async service => {
      replicas.set(service, await startReplica(t, mesh, service))
    }),
  )
  let step = 'nothing is restarted'
  const failures: string[] = []
  const client = watched(createClient(await balance('gateway')), failures, () => step)
  const { article, buyers } = await gatherCrowd({ ...mesh, client }, { units: 1_000, buyers: 6 })

  let isRolling = true
  let answers = 0
  const reading = buyers.slice(0, 3).map(async ({ token }) => {
    for (let n = 0; isRolling; n += 1) {
      await client.ask('GET', paths[n % paths.length] ?? '', { token }).catch(() => undefined)
      answers += 1
      await delay(20)
    }
  })
  const buying = buyers.slice(3).map(async buyer => {
    const outcomes: string[] = []
    while (isRolling) outcomes.push((await purchase(client, buyer, article)).outcome)
    return outcomes
  })
  for (const service of everything) {
    step = `${service} is restarted`
    await restart(mesh, service)
    step = `the other ${service} is restarted`
    t.equal(await replicas.get(service)?.stop(), 0, `${service} leaves in order`)
    replicas.set(service, await startReplica(t, mesh, service))
  }
  isRolling = false
  await Promise.all(reading)
  const outcomes = (await Promise.all(buying)).flat()
  t.same(failures, [])
  t.same(new Set(outcomes), new Set(['confirmed']))
  t.comment(`${answers} reads and ${outcomes.length} purchases`)
  t.same(await auditMesh(mesh), [])
})
