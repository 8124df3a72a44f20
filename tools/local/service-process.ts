import { join } from 'node:path'
import { exchange } from './exchange.ts'
import { type EnvSources, serviceEnv } from './service-env.ts'
import { root, type ServiceDefinition, sourceMain } from './services.ts'
import type { ProcessSpec } from './supervisor.ts'
import { compileCache, sourceFlags } from './task.ts'

/** The bundle that `npm run bundle` writes. */
export function bundleFile({ name }: ServiceDefinition): string {
  return join(root, 'dist', `${name}.js`)
}

/**
 * How to run a service.
 *
 * @param fromSources development: no bundle, so a change is a restart away
 * @param releasePorts runs before each start
 */
export function serviceProcess(
  definition: ServiceDefinition,
  sources: EnvSources,
  options: { readonly fromSources: boolean; readonly releasePorts: () => Promise<void> },
): ProcessSpec {
  // A service from elsewhere, as in the tests of the launcher, has no bundle.
  const args =
    options.fromSources || definition.main !== undefined
      ? [...sourceFlags, sourceMain(definition)]
      : // Without its source map, which would take 90 MB in every process. For one that is hunted:
        // CAMPUS_ORDERS_NODE_OPTIONS=--enable-source-maps
        // A service makes little garbage that lives long: a young generation of half the usual size keeps it
        // small, and of a quarter costs a tenth of its time.
        ['--max-semi-space-size=8', bundleFile(definition)]
  const adminPort = sources.ports.get(definition.name)?.admin ?? 0
  return {
    name: definition.name,
    stopSignal: 'SIGTERM',
    launch: async () => {
      await options.releasePorts()
      return {
        command: process.execPath,
        args,
        cwd: root,
        env: { ...compileCache(), ...serviceEnv(definition, sources) },
      }
    },
    probe: () => isReady(adminPort),
    pulse: { feel: () => isLive(adminPort), everyMs: 5_000, missesMax: 6 },
  }
}

/** Asks `/livez`; rejects when nobody answers in time. */
async function isLive(adminPort: number): Promise<void> {
  const request = 'GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n'
  await exchange(adminPort, request, answer =>
    /^HTTP\/1\.[01] 200 /.test(answer.toString('latin1')),
  )
}

/** Asks `/readyz`; rejects unless it answers 200. */
export async function isReady(adminPort: number): Promise<void> {
  const request = 'GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n'
  await exchange(adminPort, request, answer => {
    const [line = ''] = answer.toString('latin1').split('\r\n')
    if (/^HTTP\/1\.[01] 200 /.test(line)) return true
    if (/^HTTP\/1\.[01] \d{3}/.test(line)) throw new Error(`Not ready: ${line}`)
    return false
  })
}
