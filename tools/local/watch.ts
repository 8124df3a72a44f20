import { existsSync, watch } from 'node:fs'
import { join } from 'node:path'
import { root, type ServiceDefinition } from './services.ts'

/** Editors write a file in several steps; one restart is enough for all of them. */
const quietMs = 150

/**
 * Calls `onChange` with the services that a changed source belongs to: its own service, or all of them
 * for platform and contracts.
 *
 * @returns a function that ends the watching
 */
export function watchSources(
  services: readonly ServiceDefinition[],
  onChange: (names: readonly string[]) => void,
): () => void {
  const names = services.map(({ name }) => name)
  const changed = new Set<string>()
  let timer: NodeJS.Timeout | undefined
  const report = () => {
    const affected = [...changed]
    changed.clear()
    onChange(affected)
  }
  const follow = (folder: string, affected: readonly string[]) =>
    watch(join(root, folder), { recursive: true }, (_event, file) => {
      if (file === null || !file.endsWith('.ts') || file.endsWith('.test.ts')) return
      for (const name of affected) changed.add(name)
      clearTimeout(timer)
      timer = setTimeout(report, quietMs)
    })
  const folders = [
    { folder: 'platform/src', affected: names },
    { folder: 'contracts/src', affected: names },
    ...names.map(name => ({ folder: `services/${name}/src`, affected: [name] })),
  ]
  const watchers = folders
    .filter(({ folder }) => existsSync(join(root, folder)))
    .map(({ folder, affected }) => follow(folder, affected))
  return () => {
    clearTimeout(timer)
    for (const watcher of watchers) watcher.close()
  }
}
