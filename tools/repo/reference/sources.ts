import { globSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../../local/services.ts'

/** A file of a service, as far as it runs in production. */
export interface SourceFile {
  readonly service: string
  /** From the root of the repository. */
  readonly path: string
  readonly text: string
}

/** Names of all services that are written, sorted. */
export function writtenServices(): string[] {
  return readdirSync(join(root, 'services')).toSorted()
}

/** Every source of every service but its tests, sorted by path. */
export function serviceSources(): SourceFile[] {
  return globSync('services/*/src/**/*.ts', { cwd: root })
    .map(path => path.replaceAll('\\', '/'))
    .filter(path => !/\.test\.ts$|\/test-[\w-]+\.ts$/.test(path))
    .toSorted()
    .map(path => ({
      service: path.split('/')[1] ?? '',
      path,
      text: readFileSync(join(root, path), 'utf8'),
    }))
}
