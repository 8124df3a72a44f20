import { prepareKafka } from './kafka/kafka.ts'
import { preparePostgres } from './postgres/postgres.ts'
import type { Server, ServerOptions } from './server.ts'
import { SupervisedProcess, type Surroundings } from './supervisor.ts'
import { prepareValkey } from './valkey.ts'

/** Where the servers are, under the names from which services and tests read it. */
export interface ServerAddresses {
  readonly DATABASE_URL: string
  readonly KAFKA_BROKERS: string
  readonly REDIS_URL: string
}

/** An address in the environment means that the person has such a server: none is started. */
const kinds = [
  { name: 'postgres', variable: 'DATABASE_URL', prepare: preparePostgres },
  { name: 'valkey', variable: 'REDIS_URL', prepare: prepareValkey },
  { name: 'kafka', variable: 'KAFKA_BROKERS', prepare: prepareKafka },
] as const satisfies readonly {
  name: string
  variable: keyof ServerAddresses
  prepare: (options: ServerOptions) => Promise<Server>
}[]

/** What {@link startServers} needs. */
export interface ServersOptions {
  readonly server: Omit<ServerOptions, 'say'>
  readonly around: Surroundings
  /** Told about every process before it starts, so that it can be stopped whatever happens next. */
  readonly onProcess: (supervised: SupervisedProcess) => void
  /** Where addresses of the person's own servers are read from. */
  readonly env: NodeJS.ProcessEnv
}

/** Starts all servers at the same time; a line each when it is ready. */
export async function startServers(options: ServersOptions): Promise<ServerAddresses> {
  const urls: ServerAddresses = { DATABASE_URL: '', KAFKA_BROKERS: '', REDIS_URL: '' }
  const found = await Promise.all(
    kinds.map(async ({ name, variable, prepare }) => {
      const given = options.env[variable]
      if (given !== undefined && given !== '') {
        options.around.say(`${name} is yours (${variable})`)
        return { [variable]: given }
      }
      const startedAt = performance.now()
      const say = (line: string) => options.around.say(`${name}: ${line}`)
      const { spec, url } = await prepare({ ...options.server, say })
      const supervised = new SupervisedProcess(spec, options.around)
      options.onProcess(supervised)
      await supervised.start()
      options.around.say(`${name} is ready after ${Math.round(performance.now() - startedAt)} ms`)
      return { [variable]: url }
    }),
  )
  return Object.assign(urls, ...found)
}
