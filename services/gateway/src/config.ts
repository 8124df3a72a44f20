import { Secret, ServiceConfig } from '@campus/platform/process/config'
import { type Static, Type } from 'typebox'

const { HOST, PORT, ADMIN_PORT, PUBLIC_URL, KAFKA_BROKERS, KAFKA_TOPIC_PREFIX, REDIS_URL } =
  ServiceConfig.properties
const { JWKS_URL, LOG_LEVEL, OTEL_EXPORTER_OTLP_ENDPOINT } = ServiceConfig.properties
const { MAX_EVENT_LOOP_DELAY_MS, SHUTDOWN_TIMEOUT_SECONDS } = ServiceConfig.properties

function upstream(service: string) {
  return Type.String({ pattern: '^https?://', description: `Where ${service} listens` })
}

/** Settings of the gateway. It has no database. */
export const Config = Type.Object({
  HOST,
  PORT,
  ADMIN_PORT,
  PUBLIC_URL,
  KAFKA_BROKERS,
  KAFKA_TOPIC_PREFIX,
  REDIS_URL,
  JWKS_URL,
  LOG_LEVEL,
  OTEL_EXPORTER_OTLP_ENDPOINT,
  MAX_EVENT_LOOP_DELAY_MS,
  SHUTDOWN_TIMEOUT_SECONDS,
  USERS_URL: upstream('users'),
  CATALOG_URL: upstream('catalog'),
  ORDERS_URL: upstream('orders'),
  PAYMENTS_URL: upstream('payments'),
  NOTIFICATIONS_URL: upstream('notifications'),
  TRUSTED_PROXIES: Type.Integer({
    minimum: 0,
    maximum: 5,
    default: 0,
    description: 'Proxies in front of the gateway whose x-forwarded-for is believed, exactly',
  }),
  ANONYMOUS_PER_MINUTE: Type.Integer({
    minimum: 1,
    maximum: 1_000_000,
    default: 600,
    description: 'Requests of one address without a token (a /64 counts as one address)',
  }),
  SIGNED_IN_PER_MINUTE: Type.Integer({
    minimum: 1,
    maximum: 1_000_000,
    default: 1_200,
    description: 'Requests of one user',
  }),
  CORS_ORIGINS: Type.String({
    default: '',
    description: 'Origins whose pages may call the API, comma separated, exactly; empty: none',
  }),
  CSRF_SECRET: Type.Optional(
    Secret({
      description: 'Binds CSRF tokens to sessions; equal in all replicas; without it no cookies',
    }),
  ),
  TLS_CERT: Type.String({
    default: '',
    description: 'File of a certificate with its chain, PEM; with TLS_KEY the gateway speaks HTTPS',
  }),
  TLS_KEY: Type.String({ default: '', description: 'File of its private key, PEM' }),
  REQUEST_TIMEOUT_MS: Type.Integer({
    minimum: 100,
    maximum: 120_000,
    default: 20_000,
    description: 'A request that has not arrived completely by then is answered 408',
  }),
  BODY_BYTES_MAX: Type.Integer({
    minimum: 1_024,
    maximum: 67_108_864,
    default: 1_048_576,
    description: 'Longest body that is passed on; services have smaller limits of their own',
  }),
  REQUESTS_IN_FLIGHT_MAX: Type.Integer({
    minimum: 1,
    maximum: 65_536,
    default: 2_048,
    description: 'Requests answered at the same time; more are shed with 503',
  }),
  UPSTREAM_TIMEOUT_MS: Type.Integer({
    minimum: 100,
    maximum: 120_000,
    default: 15_000,
    description: 'A service that has not begun to answer by then is given up with 504',
  }),
})
export type Config = Static<typeof Config>
