// Who sends and who hears which event, read from the sources of the services: an event is sent where its
// definition makes a fact (`orderPlaced.of(…)`, `tombstone(profileSaved, …)`), and heard where a handler
// is bound to it (`on(orderPlaced, …)`). A definition that is imported and used in a third way is an
// error, so that a new way of sending cannot slip past this file.
import type { EventKind } from '@campus/contracts/envelope'
import * as catalog from '@campus/contracts/events/catalog'
import * as courses from '@campus/contracts/events/courses'
import * as notifications from '@campus/contracts/events/notifications'
import * as orders from '@campus/contracts/events/orders'
import * as payments from '@campus/contracts/events/payments'
import * as users from '@campus/contracts/events/users'
import type { SourceFile } from './sources.ts'

/** One place where a service sends or hears an event. */
export interface Step {
  readonly service: string
  readonly action: 'send' | 'receive'
  readonly kind: EventKind
  /** The file, from the root of the repository. */
  readonly path: string
}

const modules: Readonly<Record<string, object>> = {
  catalog,
  courses,
  notifications,
  orders,
  payments,
  users,
}

/**
 * Every place where the services send or hear an event.
 *
 * @throws Error when a definition is imported and neither sent nor heard
 */
export function eventFlow(files: readonly SourceFile[]): Step[] {
  return files.flatMap(file => [...stepsOf(file)])
}

function* stepsOf({ service, path, text }: SourceFile): Generator<Step> {
  for (const { name, kind } of importedKinds(text)) {
    const isSent = new RegExp(`\\b${name}\\s*\\.of\\(|\\btombstone\\(\\s*${name}\\b`).test(text)
    const isHeard = new RegExp(`\\bon\\(\\s*${name}\\b`).test(text)
    if (isSent) yield { service, action: 'send', kind, path }
    if (isHeard) yield { service, action: 'receive', kind, path }
    if (!isSent && !isHeard) {
      throw new Error(`${path} imports ${name} and neither sends nor hears it in a way known here.`)
    }
  }
}

function importedKinds(text: string): { readonly name: string; readonly kind: EventKind }[] {
  const imports = text.matchAll(/import \{([^}]+)\} from '@campus\/contracts\/events\/(\w+)'/g)
  return [...imports].flatMap(([, names = '', module = '']) =>
    names.split(',').flatMap(one => {
      const name = one.trim()
      const kind: unknown = Reflect.get(modules[module] ?? {}, name)
      return isKind(kind) ? [{ name, kind }] : []
    }),
  )
}

function isKind(value: unknown): value is EventKind {
  return typeof value === 'object' && value !== null && 'type' in value && 'aggregate' in value
}
