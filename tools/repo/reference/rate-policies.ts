import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { root } from '../../local/services.ts'
import type { SourceFile } from './sources.ts'

/** A named limit of a service. */
export interface RatePolicy {
  readonly service: string
  readonly name: string
  /** Requests a window, with the present defaults. */
  readonly max: number
  /** What `max` comes from, e.g. `LOGIN_PER_MINUTE_ADDRESS * 4`. */
  readonly setting: string | undefined
  readonly windowSeconds: number
  /** Whom it counts. */
  readonly by: string
}

const policyText = /'?([\w-]+)'?: \{ max: ([^,]+), windowSeconds: (\w+)(?:, by: '(\w+)')? \}/g

/**
 * The limits that the `service.ts` of each service declares.
 *
 * @throws Error when a number of one is written in a way that is not known here
 */
export async function ratePolicies(files: readonly SourceFile[]): Promise<RatePolicy[]> {
  const mains = files.filter(({ path }) => /^services\/[^/]+\/src\/service\.ts$/.test(path))
  const policies = (await Promise.all(mains.map(policiesOf))).flat()
  return policies.map(policy => {
    const isTaken = files.some(
      ({ service, text }) =>
        service === policy.service && text.includes(`limits.take('${policy.name}'`),
    )
    return isTaken ? { ...policy, by: 'what the handler knows' } : policy
  })
}

async function policiesOf({ service, text }: SourceFile): Promise<RatePolicy[]> {
  const defaults = await defaultsOf(service)
  return [...text.matchAll(policyText)].map(([, name = '', max = '', window = '', by]) => {
    const setting = max.includes('config.') ? max.replace('config.', '') : undefined
    return {
      service,
      name,
      max: product(max.replace(/config\.(\w+)/, (_, one: string) => String(defaults[one]))),
      setting,
      windowSeconds: product(new RegExp(`const ${window} = ([\\d_]+)`).exec(text)?.[1] ?? window),
      by: by ?? 'user',
    }
  })
}

/** `10 * 4` or `3_600` as a number. */
function product(text: string): number {
  const value = text
    .split('*')
    .map(factor => Number(factor.replaceAll('_', '').trim()))
    .reduce((all, one) => all * one, 1)
  if (Number.isNaN(value)) throw new Error(`"${text}" is no number that can be read from here.`)
  return value
}

/** Defaults of a service's settings. */
async function defaultsOf(service: string): Promise<Record<string, unknown>> {
  const file = join(root, 'services', service, 'src/config.ts')
  const { Config }: { Config: { properties: Record<string, { default?: unknown }> } } =
    await import(pathToFileURL(file).href)
  return Object.fromEntries(
    Object.entries(Config.properties).map(([name, property]) => [name, property.default]),
  )
}

/** The policies that operations name, and those that handlers take, by `METHOD /path/{parameter}`. */
export function policiesByRoute(files: readonly SourceFile[]): ReadonlyMap<string, string> {
  const found = new Map<string, string>()
  for (const { path, text } of files) {
    if (!path.endsWith('.routes.ts')) continue
    // Each piece begins with the method of a route and ends before the next route.
    for (const piece of text.split(/\bapp\.(?=(?:get|post|put|patch|delete)\()/).slice(1)) {
      const [, method = '', url = ''] = /^(\w+)\(\s*'([^']+)'/.exec(piece) ?? []
      const policy = /rateLimit: \{ policy: '([\w-]+)' \}/.exec(piece)?.[1]
      if (policy === undefined) continue
      const template = url.replaceAll(/:(\w+)/g, '{$1}')
      found.set(`${method.toUpperCase()} ${template}`, policy)
    }
  }
  return found
}
