// Keeps one process alive.
//
//   starting ──probe succeeds──► ready ──ends──► restarting ──back-off──► starting
//       │                                                                    ▲
//       └─ends before it was ever ready─► restarting, the third time: failed │
//   any ──stop()──► stopped                              requestRestart() ───┘
//
// A process that was ready and then does not answer for 30 s, although it exists, hangs: it is killed and
// restarted like one that ended.
//
// The back-off doubles from 0.2 s to 5 s and starts over once a process has lived for 30 s. A process
// that was ready once is restarted for ever: on the same port, since its specification is the same.
import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Launch } from './command.ts'
import type { Guard, StopSignal } from './guard.ts'
import { boundLog, lastLines, logLength, openLog } from './log-file.ts'

/** See the header of this file. */
export type ProcessState = 'starting' | 'ready' | 'restarting' | 'failed' | 'stopped'

/** What to run and how to tell that it serves. */
export interface ProcessSpec {
  readonly name: string
  readonly stopSignal: StopSignal
  /** Runs before every start, so a restart sees what has changed, and may release a held port. */
  readonly launch: () => Launch | Promise<Launch>
  /** Resolves when the process serves; a rejection means "not yet". */
  readonly probe: () => Promise<void>
  /** Resolves when the process is not hung; absent: nobody asks. */
  readonly pulse?: Pulse
  readonly onExit?: () => void
}

/** How to tell that a process which runs has not stopped working. */
export interface Pulse {
  readonly feel: () => Promise<void>
  readonly everyMs: number
  /** So many failures in a row mean that it hangs. */
  readonly missesMax: number
}

/** A process as the run file shows it. */
export interface ProcessStatus {
  readonly name: string
  /** Absent while no process runs. */
  readonly pid?: number
  readonly state: ProcessState
  /** From the launch to the first successful probe of the present process, in milliseconds. */
  readonly startedInMs?: number
  /** How often it has been started again. */
  readonly restarts: number
}

/** What a supervised process needs from the launcher. */
export interface Surroundings {
  readonly guard: Guard
  /** Absolute path of the log of a process. */
  readonly logFile: (name: string) => string
  /** Called after every change of state. */
  readonly onChange: () => void
  /** Writes a line for the person at the terminal. */
  readonly say: (line: string) => void
}

const probeEveryMs = 20
const backOffMs = { first: 200, most: 5_000 }
const settledAfterMs = 30_000
/** A process that ends this often without having been ready is not tried again. */
const failedStartsMax = 3
const logCheckEveryMs = 60_000
const shownLogLines = 20
const shownLineCharacters = 300

/** How a process ended. */
interface Ending {
  /** In words, e.g. `ended with code 1`. */
  readonly ending: string
  /** With the end of what it wrote to its log. */
  readonly report: string
}

/** One process under supervision. */
export class SupervisedProcess {
  readonly spec: ProcessSpec
  readonly #around: Surroundings
  readonly #stopping = new AbortController()
  readonly #firstReady = Promise.withResolvers<void>()
  #child: ChildProcess | undefined
  #loop: Promise<void> = Promise.resolve()
  #state: ProcessState = 'stopped'
  #startedInMs: number | undefined
  #restarts = 0
  #wasReady = false
  #isRestartWanted = false

  constructor(spec: ProcessSpec, around: Surroundings) {
    this.spec = spec
    this.#around = around
  }

  /** @returns after the first time it is ready; rejects, with the end of its log, when it fails instead */
  async start(): Promise<void> {
    // Whoever awaits start() sees the rejection; nobody else has to.
    this.#firstReady.promise.catch(() => undefined)
    this.#loop = this.#keepAlive()
    await this.#firstReady.promise
  }

  /** Ends the process: asks, and kills it when it has not ended after `graceMs`. */
  async stop(graceMs: number): Promise<void> {
    this.#stopping.abort()
    this.#firstReady.reject(new Error(`${this.spec.name} was stopped.`))
    const child = this.#child
    child?.kill(this.spec.stopSignal)
    const hard = setTimeout(() => this.#child?.kill('SIGKILL'), graceMs)
    await this.#loop
    clearTimeout(hard)
    this.#set('stopped')
  }

  /** Ends the process so that it starts again at once, from what is on disk now. */
  requestRestart(): void {
    this.#isRestartWanted = true
    this.#child?.kill(this.spec.stopSignal)
  }

  status(): ProcessStatus {
    const pid = this.#child?.pid
    return {
      name: this.spec.name,
      ...(pid === undefined ? {} : { pid }),
      state: this.#state,
      ...(this.#startedInMs === undefined ? {} : { startedInMs: this.#startedInMs }),
      restarts: this.#restarts,
    }
  }

  async #keepAlive(): Promise<void> {
    let delayMs = backOffMs.first
    let failedStarts = 0
    while (!this.#stopping.signal.aborted) {
      const startedAt = performance.now()
      const { ending, report } = await this.#live()
      if (this.#stopping.signal.aborted) return
      this.#restarts++
      if (this.#isRestartWanted) {
        this.#isRestartWanted = false
        this.#set('restarting')
        continue
      }
      if (!this.#wasReady && ++failedStarts === failedStartsMax) {
        this.#set('failed')
        this.#firstReady.reject(new Error(`${this.spec.name} does not start: ${report}`))
        return
      }
      if (performance.now() - startedAt > settledAfterMs) delayMs = backOffMs.first
      this.#set('restarting')
      this.#around.say(`${this.spec.name} ${ending}; starting it again in ${delayMs / 1000} s`)
      await sleep(delayMs, undefined, { signal: this.#stopping.signal }).catch(() => undefined)
      delayMs = Math.min(delayMs * 2, backOffMs.most)
    }
  }

  /** One life of the process. */
  async #live(): Promise<Ending> {
    this.#startedInMs = undefined
    this.#set('starting')
    const startedAt = performance.now()
    const log = this.#around.logFile(this.spec.name)
    boundLog(log)
    const logStart = logLength(log)
    const over = new AbortController()
    let ending: string
    try {
      const launch = await this.spec.launch()
      if (this.#stopping.signal.aborted) return { ending: 'was stopped', report: '' }
      const ended = this.#spawn(launch, log)
      const bounding = setInterval(() => boundLog(log), logCheckEveryMs)
      bounding.unref()
      if (this.#child?.pid !== undefined) void this.#awaitReady(startedAt, over.signal)
      ending = await ended
      clearInterval(bounding)
    } catch (error) {
      ending = `cannot be launched: ${error instanceof Error ? error.message : String(error)}`
    }
    over.abort()
    this.#child = undefined
    this.spec.onExit?.()
    const lines = lastLines(log, shownLogLines, logStart)
    const shown = lines.map(line => `  ${line.slice(0, shownLineCharacters)}`)
    return { ending, report: [`${ending}. The end of ${log}:`, ...shown].join('\n') }
  }

  #spawn({ command, args, ...options }: Launch, log: string): Promise<string> {
    const { promise, resolve } = Promise.withResolvers<string>()
    const descriptor = openLog(log)
    // Detached: a terminal's Ctrl-C reaches the launcher only, which stops services before servers.
    const child = spawn(command, args, {
      ...options,
      stdio: ['ignore', descriptor, descriptor],
      detached: true,
    })
    closeSync(descriptor)
    const { pid } = child
    if (pid !== undefined) this.#around.guard.add(pid, this.spec.stopSignal)
    child.once('error', error => resolve(`cannot be launched: ${error.message}`))
    child.once('exit', (code, signal) => {
      if (pid !== undefined) this.#around.guard.remove(pid)
      resolve(signal === null ? `ended with code ${code}` : `was ended by ${signal}`)
    })
    this.#child = child
    this.#around.onChange()
    return promise
  }

  async #awaitReady(startedAt: number, over: AbortSignal): Promise<void> {
    while (!over.aborted) {
      try {
        await this.spec.probe()
        if (over.aborted) return
        this.#startedInMs = Math.round(performance.now() - startedAt)
        if (this.#restarts > 0) this.#around.say(`${this.spec.name} is ready again`)
        this.#wasReady = true
        this.#set('ready')
        this.#firstReady.resolve()
        await this.#feelPulse(over)
        return
      } catch {
        await sleep(probeEveryMs)
      }
    }
  }

  async #feelPulse(over: AbortSignal): Promise<void> {
    const { pulse, name } = this.spec
    if (pulse === undefined) return
    for (let misses = 0; misses < pulse.missesMax; ) {
      await sleep(pulse.everyMs, undefined, { signal: over }).catch(() => undefined)
      if (over.aborted) return
      const isAlive = await pulse.feel().then(
        () => true,
        () => false,
      )
      misses = isAlive ? 0 : misses + 1
    }
    if (over.aborted) return
    this.#around.say(`${name} hangs; killing it`)
    this.#child?.kill('SIGKILL')
  }

  #set(state: ProcessState): void {
    this.#state = state
    this.#around.onChange()
  }
}
