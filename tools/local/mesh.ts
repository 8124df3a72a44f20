// Starts and stops a mesh in this process.
//
// Start: servers in parallel (with the bundles beside them) → schemas and topics → services in parallel.
// Stop:  services, which may still need their servers → servers → inbox. At most 10 s in all, since each
// process is asked first and killed when its time is over.
import { refreshBundles } from './bundles.ts'
import { type Guard, startGuard } from './guard.ts'
import type { Home } from './home.ts'
import type { Inbox } from './inbox/inbox.ts'
import { type MailAddresses, startMail } from './inbox/start-mail.ts'
import { logFile } from './log-file.ts'
import { type HeldPort, loopback } from './ports.ts'
import { provision } from './provision.ts'
import type { RunFileWriter, RunState } from './run-file.ts'
import { openSecrets, type Secrets } from './secrets.ts'
import { type ServerAddresses, startServers } from './servers.ts'
import type { EnvSources, ServicePorts } from './service-env.ts'
import { serviceProcess } from './service-process.ts'
import { adminPortOffset, type ServiceDefinition } from './services.ts'
import { SupervisedProcess, type Surroundings } from './supervisor.ts'
import { watchSources } from './watch.ts'

/** What a mesh is made of. */
export interface MeshOptions {
  readonly home: Home
  readonly runFile: RunFileWriter
  readonly services: readonly ServiceDefinition[]
  /** Holds the preferred port or a free one. */
  readonly takePort: (preferred: number) => Promise<HeldPort>
  /** Runs services from their sources and restarts those whose sources change. */
  readonly isWatching: boolean
  /** The launcher's environment: the person's own servers, overrides for services. */
  readonly env: NodeJS.ProcessEnv
  /** Writes a line of progress. */
  readonly say: (line: string) => void
}

const serviceGraceMs = 7_000
const stopWithinMs = 9_500
/** Servers get at least this long, however long the services took. */
const serverGraceMsMin = 2_500

/** One mesh: its servers, its services and its inbox. */
export class Mesh {
  readonly #options: MeshOptions
  readonly #guard: Guard
  readonly #around: Surroundings
  readonly #abort = new AbortController()
  readonly #servers: SupervisedProcess[] = []
  readonly #services: SupervisedProcess[] = []
  #started: Promise<unknown> = Promise.resolve()
  #inbox: Inbox | undefined
  #stopWatching: (() => void) | undefined
  #state: Omit<RunState, 'processes'> = {
    phase: 'starting',
    endpoints: {},
    admin: {},
    env: {},
    databases: {},
  }
  #isClosed = false

  constructor(options: MeshOptions) {
    this.#options = options
    this.#guard = startGuard()
    this.#around = {
      guard: this.#guard,
      logFile: name => logFile(options.home, name),
      onChange: () => this.#publish(),
      say: options.say,
    }
  }

  /**
   * @returns what runs, once every service is ready
   * @throws Error when a part does not start, or when the mesh is stopped meanwhile
   */
  async start(): Promise<RunState> {
    const started = this.#start()
    this.#started = started
    return started
  }

  async #start(): Promise<RunState> {
    const secrets = openSecrets(this.#options.home)
    const [servers, mail] = await this.#startServers(secrets)
    this.#change({ env: { ...servers, ...mail } })
    const sources = await this.#prepareServices(secrets, servers, mail)
    await this.#startServices(sources.sources, sources.held)
    if (this.#options.isWatching) this.#watch()
    this.#change({ phase: 'ready' })
    return this.#snapshot()
  }

  /** Stops everything that runs, also in the middle of a start. */
  async stop(): Promise<void> {
    const startedAt = performance.now()
    this.#change({ phase: 'stopping' })
    this.#abort.abort()
    this.#stopWatching?.()
    await Promise.all(this.#services.map(service => service.stop(serviceGraceMs)))
    const leftMs = stopWithinMs - (performance.now() - startedAt)
    const serverGraceMs = Math.max(leftMs, serverGraceMsMin)
    await Promise.all(this.#servers.map(server => server.stop(serverGraceMs)))
    // A start that was under way ends now, since all that it waits for is gone; only then is it certain
    // that nothing comes into being any more.
    await Promise.allSettled([this.#started])
    await this.#inbox?.stop()
    this.#isClosed = true
    this.#guard.dismiss()
    this.#options.runFile.remove()
  }

  async #startServers(secrets: Secrets): Promise<[ServerAddresses, MailAddresses]> {
    const { home, takePort, env, say, services, isWatching } = this.#options
    const { signal } = this.#abort
    const advertised = Number(env['CAMPUS_KAFKA_ADVERTISED_PORT'] ?? 0)
    const [servers, mail] = await Promise.all([
      startServers({
        server: {
          home,
          secrets,
          takePort,
          isDurable: true,
          signal,
          // Chaos puts a proxy between the broker and everybody else.
          ...(advertised > 0 && { advertisedKafkaPort: advertised }),
        },
        around: this.#around,
        onProcess: supervised => this.#own(this.#servers, supervised),
        env,
      }),
      startMail({ folder: home.mail, takePort, say, env }).then(({ addresses, inbox }) => {
        this.#inbox = inbox
        return addresses
      }),
      isWatching ? [] : this.#timed('bundles', () => refreshBundles(services, signal)),
    ])
    return [servers, mail]
  }

  async #prepareServices(secrets: Secrets, servers: ServerAddresses, mail: MailAddresses) {
    const { services, env } = this.#options
    const { signal } = this.#abort
    const [{ databases, operators }, held] = await Promise.all([
      this.#timed('schemas and topics', () =>
        provision({
          services,
          servers,
          secrets,
          topicPrefix: env['KAFKA_TOPIC_PREFIX'] ?? '',
          signal,
        }),
      ),
      this.#holdPorts(),
    ])
    const ports = new Map<string, ServicePorts>(
      [...held].map(([name, { api, admin }]) => [name, { api: api.port, admin: admin.port }]),
    )
    const urls = (of: (ports: ServicePorts) => number) =>
      Object.fromEntries([...ports].map(([name, own]) => [name, `http://${loopback}:${of(own)}`]))
    const endpoints = urls(({ api }) => api)
    const { gateway } = endpoints
    this.#change({
      env: { ...servers, ...mail, ...operators },
      databases,
      admin: urls(({ admin }) => admin),
      endpoints: {
        ...endpoints,
        ...(gateway === undefined ? {} : { docs: `${gateway}/docs` }),
        ...(mail.INBOX_URL === undefined ? {} : { inbox: mail.INBOX_URL }),
      },
    })
    const sources: EnvSources = { ports, servers, mail, databases, secrets, launcher: env }
    return { sources, held }
  }

  async #startServices(sources: EnvSources, held: HeldPorts): Promise<void> {
    await Promise.all(
      this.#options.services.map(async definition => {
        const spec = serviceProcess(definition, sources, {
          fromSources: this.#options.isWatching,
          releasePorts: async () => {
            const own = held.get(definition.name)
            await Promise.all([own?.api.release(), own?.admin.release()])
          },
        })
        const supervised = new SupervisedProcess(spec, this.#around)
        this.#own(this.#services, supervised)
        await this.#timed(definition.name, () => supervised.start())
      }),
    )
  }

  async #holdPorts(): Promise<HeldPorts> {
    const { services, takePort } = this.#options
    const pairs = services.map(async ({ name, preferredPort }) => {
      const [api, admin] = await Promise.all([
        takePort(preferredPort),
        takePort(preferredPort + adminPortOffset),
      ])
      return [name, { api, admin }] as const
    })
    return new Map(await Promise.all(pairs))
  }

  #watch(): void {
    this.#stopWatching = watchSources(this.#options.services, names => {
      this.#options.say(`sources changed: restarting ${names.join(', ')}`)
      for (const service of this.#services) {
        if (names.includes(service.spec.name)) service.requestRestart()
      }
    })
  }

  /** Registers a process so that a stop finds it, also one that comes while others still start. */
  #own(list: SupervisedProcess[], supervised: SupervisedProcess): void {
    this.#abort.signal.throwIfAborted()
    list.push(supervised)
  }

  async #timed<T>(what: string, work: () => Promise<T>): Promise<T> {
    const startedAt = performance.now()
    const result = await work()
    this.#options.say(`${what} ready after ${Math.round(performance.now() - startedAt)} ms`)
    return result
  }

  #change(change: Partial<Omit<RunState, 'processes'>>): void {
    this.#state = { ...this.#state, ...change }
    this.#publish()
  }

  #snapshot(): RunState {
    const processes = [...this.#servers, ...this.#services].map(one => one.status())
    return { ...this.#state, processes }
  }

  #publish(): void {
    if (!this.#isClosed) this.#options.runFile.write(this.#snapshot())
  }
}

type HeldPorts = ReadonlyMap<string, { readonly api: HeldPort; readonly admin: HeldPort }>
