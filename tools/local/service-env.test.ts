import { test } from 'tap'
import { type EnvSources, serviceEnv } from './service-env.ts'

const sources: EnvSources = {
  ports: new Map([
    ['gateway', { api: 8080, admin: 9080 }],
    ['orders', { api: 8103, admin: 9103 }],
    ['users', { api: 8101, admin: 9101 }],
  ]),
  servers: {
    DATABASE_URL: 'postgres://postgres:superuser@127.0.0.1/postgres',
    KAFKA_BROKERS: '127.0.0.1:19092',
    REDIS_URL: 'redis://127.0.0.1:16379',
  },
  mail: { SMTP_URL: 'smtp://127.0.0.1:1025', INBOX_URL: 'http://127.0.0.1:8025' },
  databases: { orders: 'postgres://campus_orders:secret@127.0.0.1/postgres' },
  secrets: name => `secret of ${name}`,
  launcher: {
    PATH: '/bin',
    DATABASE_URL: 'postgres://postgres:superuser@127.0.0.1/postgres',
    CAMPUS_ORDERS_PAYMENT_TIMEOUT_SECONDS: '5',
    CAMPUS_USERS_LOG_LEVEL: 'debug',
  },
}
const orders = { name: 'orders', preferredPort: 8103 }

test('a service gets the address of its own login role, never that of the superuser', t => {
  const env = serviceEnv(orders, sources)
  t.equal(env['DATABASE_URL'], 'postgres://campus_orders:secret@127.0.0.1/postgres')
  t.notMatch(JSON.stringify(env), 'superuser')
  t.end()
})

test('an override reaches the service that it names and no other', t => {
  t.equal(serviceEnv(orders, sources)['PAYMENT_TIMEOUT_SECONDS'], '5')
  t.equal(serviceEnv(orders, sources)['LOG_LEVEL'], undefined)
  const users = serviceEnv({ name: 'users', preferredPort: 8101 }, sources)
  t.equal(users['LOG_LEVEL'], 'debug')
  t.equal(users['PAYMENT_TIMEOUT_SECONDS'], undefined)
  t.end()
})

test('only a service that sends mail learns where the mail server is', t => {
  t.equal(serviceEnv(orders, sources)['SMTP_URL'], undefined)
  t.equal(serviceEnv({ ...orders, isMailer: true }, sources)['SMTP_URL'], 'smtp://127.0.0.1:1025')
  t.end()
})

test('the gateway gets the addresses of the services behind it', t => {
  const gateway = { name: 'gateway', preferredPort: 8080, peers: ['users', 'orders'] }
  t.match(serviceEnv(gateway, sources), {
    PORT: '8080',
    ADMIN_PORT: '9080',
    PUBLIC_URL: 'http://127.0.0.1:8080',
    USERS_URL: 'http://127.0.0.1:8101',
    ORDERS_URL: 'http://127.0.0.1:8103',
    JWKS_URL: 'http://127.0.0.1:8101/.well-known/jwks.json',
  })
  t.end()
})
