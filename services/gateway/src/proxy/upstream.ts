import type { ServiceName } from '@campus/contracts/prefixes'

/** A service that the gateway forwards to. */
export type Upstream = Exclude<ServiceName, 'gateway'>

/** Every one of them. */
export const upstreams: readonly Upstream[] = [
  'users',
  'catalog',
  'orders',
  'payments',
  'notifications',
]
