import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Cleanup } from '@campus/platform/testing/cleanup'
import { eventually } from '@campus/platform/testing/eventually'
import { locateHome } from '../local/home.ts'
import { holdPort } from '../local/ports.ts'
import { readRunFile } from '../local/run-file.ts'
import { openSecrets } from '../local/secrets.ts'
import type { ServicePorts } from '../local/service-env.ts'
import { serviceProcess } from '../local/service-process.ts'
import { knownServices } from '../local/services.ts'
import type { Mesh } from './mesh.ts'

/** One more process of a service, beside the one that the mesh supervises. */
export interface Replica {
  readonly url: string
  /** SIGTERM. @returns the exit code */
  stop(): Promise<number | null>
}

/**
 * Starts a replica with the environment that the launcher gives the service, and waits until it is ready.
 *
 * @param settings what differs from the mesh, e.g. `CAMPUS_GATEWAY_CATALOG_URL`
 */
export async function startReplica(
  t: Cleanup,
  mesh: Mesh,
  service: string,
  settings: Readonly<Record<string, string>> = {},
): Promise<Replica> {
  const home = locateHome(mesh.home)
  const run = readRunFile(home)
  const definition = knownServices().find(({ name }) => name === service)
  if (run === undefined || definition === undefined) throw new Error(`No mesh, or no ${service}.`)
  const [api, admin] = await Promise.all([holdPort(undefined), holdPort(undefined)])
  const ports = new Map<string, ServicePorts>(
    knownServices().map(({ name }) => [
      name,
      { api: Number(new URL(run.endpoints[name] ?? '').port), admin: 0 },
    ]),
  )
  ports.set(service, { api: api.port, admin: admin.port })
  const { DATABASE_URL = '', KAFKA_BROKERS = '', REDIS_URL = '' } = run.env
  const { SMTP_URL = '', INBOX_URL = '' } = run.env
  const spec = serviceProcess(
    definition,
    {
      ports,
      servers: { DATABASE_URL, KAFKA_BROKERS, REDIS_URL },
      mail: { SMTP_URL, INBOX_URL },
      databases: run.databases,
      secrets: openSecrets(home),
      launcher: { ...mesh.settings, ...settings },
    },
    {
      fromSources: false,
      releasePorts: async () => {
        await Promise.all([api.release(), admin.release()])
      },
    },
  )
  const { command, args, cwd, env } = await spec.launch()
  const child = spawn(command, args, { cwd, env, stdio: 'ignore' })
  const exited = once(child, 'exit')
  t.teardown(() => child.kill('SIGKILL'))
  await eventually(() => spec.probe(), { timeoutMs: 60_000 })
  return {
    url: `http://127.0.0.1:${api.port}`,
    async stop() {
      child.kill('SIGTERM')
      await exited
      return child.exitCode
    },
  }
}
