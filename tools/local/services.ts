import { existsSync } from 'node:fs'
import { join } from 'node:path'

/** The repository. */
export const root = join(import.meta.dirname, '../..')

/** What the launcher knows of a service: everything else is the same for all. */
export interface ServiceDefinition {
  readonly name: string
  /** The port of its API when it is free; the admin port is 1000 higher. */
  readonly preferredPort: number
  /** Variables that get a secret made for this home. */
  readonly secrets?: readonly string[]
  /** Settings that differ from the defaults, because one address plays many people. */
  readonly settings?: Readonly<Record<string, string>>
  /** Whether it sends mail. */
  readonly isMailer?: boolean
  /** Services whose addresses it gets, as `<NAME>_URL`. */
  readonly peers?: readonly string[]
  /** The file to run in development; the default is that of the repository. */
  readonly main?: string
  /** The folder of its migrations; the default is that of the repository. */
  readonly migrations?: string
}

/** Distance of the admin port from the port of the API. */
export const adminPortOffset = 1_000

const everyService = ['users', 'catalog', 'orders', 'payments', 'notifications']

const all: readonly ServiceDefinition[] = [
  {
    name: 'users',
    preferredPort: 8101,
    secrets: ['FIRST_ADMIN_SECRET', 'KEY_ENCRYPTION_SECRET'],
    settings: { REGISTER_PER_HOUR: '100' },
    isMailer: true,
  },
  { name: 'catalog', preferredPort: 8102 },
  { name: 'orders', preferredPort: 8103 },
  { name: 'payments', preferredPort: 8104, secrets: ['WEBHOOK_SECRET'] },
  { name: 'notifications', preferredPort: 8105, isMailer: true },
  { name: 'gateway', preferredPort: 8080, peers: everyService, secrets: ['CSRF_SECRET'] },
]

/** The services that exist: a folder without a main is not one yet. */
export function knownServices(): readonly ServiceDefinition[] {
  return all.filter(definition => existsSync(sourceMain(definition)))
}

/** The file that runs a service from its sources. */
export function sourceMain({ name, main }: ServiceDefinition): string {
  return main ?? join(root, 'services', name, 'src/main.ts')
}

/** The folders of a service's migrations, in the order in which they run. */
export function migrationFolders({ name, migrations }: ServiceDefinition): string[] {
  const own = migrations ?? join(root, 'services', name, 'migrations')
  return [join(root, 'platform/migrations'), own].filter(folder => existsSync(folder))
}
