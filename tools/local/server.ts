import type { Home } from './home.ts'
import type { HeldPort } from './ports.ts'
import type { Secrets } from './secrets.ts'
import type { ProcessSpec } from './supervisor.ts'

/** What every server of the mesh is prepared from. */
export interface ServerOptions {
  readonly home: Home
  readonly secrets: Secrets
  /** Holds the preferred port or a free one. */
  readonly takePort: (preferred: number) => Promise<HeldPort>
  /** Whether data must survive a crash of the machine: yes for `campus up`, no for tests. */
  readonly isDurable: boolean
  /** Where the broker tells its clients to come: a proxy of theirs; its own port when absent. */
  readonly advertisedKafkaPort?: number
  /** Ends preparations early: downloads, the making of a cluster. */
  readonly signal: AbortSignal
  /** Says what takes long, e.g. a first download. */
  readonly say: (line: string) => void
}

/** A server that is ready to be started. */
export interface Server {
  readonly spec: ProcessSpec
  /** Where its clients find it, as they read it from the environment. */
  readonly url: string
}
