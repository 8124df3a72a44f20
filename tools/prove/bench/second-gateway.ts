import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { eventually } from '@campus/platform/testing/eventually'
import { holdPort } from '../../local/ports.ts'
import { isReady } from '../../local/service-process.ts'
import { root } from '../../local/services.ts'
import type { Mesh } from '../mesh.ts'

const plentiful = '1000000'

/**
 * A gateway beside that of the mesh, alike but for the address behind its catalogue paths, so that the
 * same proxy stands before Campus and before its raw limit.
 */
export async function startSecondGateway(
  mesh: Mesh,
  catalogUrl: string,
): Promise<{ readonly url: string; stop(): Promise<void> }> {
  const { endpoints } = await mesh.status()
  const [api, admin] = await Promise.all([holdPort(undefined), holdPort(undefined)])
  await Promise.all([api.release(), admin.release()])
  const child = spawn(
    process.execPath,
    ['--max-semi-space-size=4', join(root, 'dist/gateway.js')],
    {
      stdio: 'ignore',
      env: {
        PATH: process.env['PATH'],
        PORT: String(api.port),
        ADMIN_PORT: String(admin.port),
        KAFKA_BROKERS: mesh.env['KAFKA_BROKERS'],
        REDIS_URL: mesh.env['REDIS_URL'],
        JWKS_URL: `${endpoints['users']}/.well-known/jwks.json`,
        LOG_LEVEL: 'warn',
        USERS_URL: endpoints['users'],
        ORDERS_URL: endpoints['orders'],
        PAYMENTS_URL: endpoints['payments'],
        NOTIFICATIONS_URL: endpoints['notifications'],
        CATALOG_URL: catalogUrl,
        ANONYMOUS_PER_MINUTE: plentiful,
        SIGNED_IN_PER_MINUTE: plentiful,
      },
    },
  )
  await eventually(() => isReady(admin.port), { timeoutMs: 20_000 })
  return { url: `http://127.0.0.1:${api.port}`, stop: () => stop(child) }
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return
  const exited = once(child, 'exit')
  child.kill('SIGTERM')
  await exited
}
