import { join } from 'node:path'
import { exchange } from '../exchange.ts'
import { loopback } from '../ports.ts'
import type { Server, ServerOptions } from '../server.ts'
import { locateClusterFolder, makeClusterFolder, postgresAccount } from './account.ts'
import { postgresBinaries } from './binaries.ts'
import { type Cluster, dataDirectory, initializeCluster, postgresEnv } from './cluster.ts'

// As for all preferred ports: below the range from which systems take ports for outgoing connections.
const preferredPort = 15432

/** Prepares PostgreSQL 18 from npm's binaries; a first start also makes the cluster. */
export async function preparePostgres(options: ServerOptions): Promise<Server> {
  const account = postgresAccount()
  const folder = locateClusterFolder(options.home, account)
  makeClusterFolder(folder, account)
  const cluster: Cluster = { binaries: postgresBinaries(account), folder, account }
  const password = options.secrets('postgres')
  await initializeCluster(cluster, password, options.signal)
  const held = await options.takePort(preferredPort)
  const settings = { ...baseSettings, ...(options.isDurable ? {} : fastSettings), port: held.port }
  return {
    url: `postgres://postgres:${password}@${loopback}:${held.port}/postgres`,
    spec: {
      name: 'postgres',
      // "Fast shutdown": open transactions are rolled back. SIGTERM would wait for every client.
      stopSignal: 'SIGINT',
      launch: async () => {
        await held.release()
        const pairs = Object.entries(settings).flatMap(([name, value]) => [
          '-c',
          `${name}=${value}`,
        ])
        return {
          command: join(cluster.binaries, 'bin', 'postgres'),
          args: ['-D', dataDirectory(cluster), ...pairs],
          ...account,
          cwd: folder,
          env: postgresEnv,
        }
      },
      probe: () => exchange(held.port, startupMessage, asksForPassword),
    },
  }
}

const baseSettings = {
  listen_addresses: loopback,
  unix_socket_directories: '',
  // Only what is used of it becomes memory.
  shared_buffers: '128MB',
  // Ten services with a pool each, and the test files that run at the same time.
  max_connections: 200,
  // No worker processes for reading ahead: they only pay off with more cores and slower disks.
  io_method: 'sync',
  max_wal_size: '256MB',
}

/** Several times as many commits per second; only the machine's own crash loses data. For tests. */
const fastSettings = { fsync: 'off', full_page_writes: 'off' }

/** @see https://www.postgresql.org/docs/18/protocol-message-formats.html StartupMessage */
const startupMessage = encodeStartup({ user: 'postgres', database: 'postgres' })

function encodeStartup(parameters: Readonly<Record<string, string>>): Buffer {
  const protocol = Buffer.from([0, 3, 0, 0])
  const pairs = Object.entries(parameters).map(([name, value]) => `${name}\0${value}\0`)
  const body = Buffer.concat([protocol, Buffer.from(`${pairs.join('')}\0`)])
  const length = Buffer.alloc(4)
  length.writeUInt32BE(body.length + length.length)
  return Buffer.concat([length, body])
}

/** A server that still recovers answers an error, one that serves asks who we are. */
function asksForPassword(answer: Buffer): boolean {
  const kind = answer.toString('latin1', 0, 1)
  if (kind === 'E') throw new Error('The database is starting.')
  return kind === 'R'
}
