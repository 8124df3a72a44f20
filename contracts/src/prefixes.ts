/**
 * Public path prefixes of each service. One table drives the gateway, the Helm routes and the docs:
 * the longest prefix by whole segments wins.
 */
export const prefixes = {
  gateway: [
    '/docs',
    '/ops',
    '/version',
    '/v1/openapi.json',
    '/v1/asyncapi.json',
    '/v1/me/home',
    '/v1/search',
    '/v1/stream',
  ],
  users: ['/.well-known', '/v1/auth', '/v1/me', '/v1/users', '/v1/audit'],
  catalog: [
    '/v1/products',
    '/v1/categories',
    '/v1/variants',
    '/v1/stock',
    '/v1/imports/products',
    '/v1/exports/products.ndjson',
  ],
  orders: [
    '/v1/carts',
    '/v1/me/cart',
    '/v1/orders',
    '/v1/fulfillments',
    '/v1/returns',
    '/v1/promotions',
    '/v1/sagas',
  ],
  payments: [
    '/v1/payment-intents',
    '/v1/refunds',
    '/v1/psp',
    '/v1/ledger',
    '/v1/payouts',
    '/v1/reconciliation',
    '/v1/me/payment-methods',
    '/v1/me/earnings',
  ],
  notifications: [
    '/v1/me/notifications',
    '/v1/me/notification-preferences',
    '/v1/unsubscribe',
    '/v1/templates',
    '/v1/deliveries',
    '/v1/suppressions',
    '/v1/webhooks',
    '/v1/announcements',
  ],
} as const satisfies Record<string, readonly string[]>

/** Names of the services that own public prefixes. */
export type ServiceName = keyof typeof prefixes

/** Every service with public prefixes. */
export const serviceNames: readonly ServiceName[] = [
  'gateway',
  'users',
  'catalog',
  'orders',
  'payments',
  'notifications',
]

/**
 * The service that owns `path`, by its longest prefix.
 *
 * @param path an absolute path without query, already checked to be in normal form
 */
export function serviceOf(path: string): ServiceName | undefined {
  let end = path.length
  while (end > 0) {
    const owner = owners.get(path.slice(0, end))
    if (owner !== undefined) return owner
    end = path.lastIndexOf('/', end - 1)
  }
  return undefined
}

const owners = new Map<string, ServiceName>()
for (const service of serviceNames) {
  for (const prefix of prefixes[service]) owners.set(prefix, service)
}
