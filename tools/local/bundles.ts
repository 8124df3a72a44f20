import { existsSync, globSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { runCommand } from './command.ts'
import { bundleFile } from './service-process.ts'
import { root, type ServiceDefinition } from './services.ts'

/**
 * Builds the bundles that are missing or older than a source they may hold.
 *
 * @returns the names of the services that were built
 */
export async function refreshBundles(
  services: readonly ServiceDefinition[],
  signal: AbortSignal,
): Promise<string[]> {
  const shared = newestOf(['contracts/src/**/*.ts', 'platform/src/**/*.ts', 'package-lock.json'])
  const stale = services
    .filter(service => {
      if (service.main !== undefined) return false
      const own = newestOf([`services/${service.name}/src/**/*.ts`])
      const file = bundleFile(service)
      return !existsSync(file) || statSync(file).mtimeMs < Math.max(shared, own)
    })
    .map(({ name }) => name)
  if (stale.length === 0) return []
  // In a process of its own: the bundler is needed once, the launcher stays.
  await runCommand({
    command: process.execPath,
    args: [join(root, 'tools/repo/bundle.ts'), ...stale],
    cwd: root,
    signal,
  })
  return stale
}

/** The time of the newest change, in milliseconds since 1970. */
function newestOf(patterns: readonly string[]): number {
  const files = globSync(patterns, { cwd: root })
  return Math.max(0, ...files.map(file => statSync(join(root, file)).mtimeMs))
}
