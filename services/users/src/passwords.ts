import { argon2, randomBytes, timingSafeEqual } from 'node:crypto'
import { availableParallelism } from 'node:os'
import { promisify } from 'node:util'
import { AppError, chassis } from '@campus/platform/errors'

// argon2id by Node itself: docs/adr/0004-argon2-from-node.md. One hash takes 19 MiB and some 20 ms of a
// core, so logins are the cheapest attack there is. At most one hash per core runs, a few wait, the
// rest is shed: the service then still answers everything else.

const parameters = { memory: 19_456, passes: 2, parallelism: 1 }
const saltBytes = 16
const tagBytes = 32

const derive = promisify(argon2)

/** Hashes and checks passwords, so many at a time as there are cores. */
export interface Passwords {
  /**
   * @returns a PHC string
   * @throws AppError `server.overloaded` when too many wait
   */
  hash(password: string): Promise<string>
  /**
   * Takes as long without a `stored` hash as with one, so that nobody learns which accounts exist.
   *
   * @throws AppError `server.overloaded` when too many wait
   */
  verify(password: string, stored: string | undefined): Promise<boolean>
  /** Whether `stored` was made with other parameters than a new hash. */
  isOutdated(stored: string): boolean
}

/**
 * @param options.concurrency hashes at the same time; 0 means one per core
 * @param options.queueMax how many more may wait
 */
export function createPasswords(options: {
  readonly concurrency: number
  readonly queueMax: number
}): Passwords {
  const slots = createSlots(options.concurrency || availableParallelism(), options.queueMax)
  // No password has this hash; its parameters are what counts.
  const dummy = render(parameters, randomBytes(saltBytes), randomBytes(tagBytes))

  return {
    hash: password =>
      slots(async () => {
        const nonce = randomBytes(saltBytes)
        return render(parameters, nonce, await tagOf(password, parameters, nonce, tagBytes))
      }),
    verify: (password, stored) =>
      slots(async () => {
        const { nonce, tag, ...costs } = parse(stored ?? dummy)
        const isEqual = timingSafeEqual(await tagOf(password, costs, nonce, tag.length), tag)
        return isEqual && stored !== undefined
      }),
    isOutdated(stored) {
      const { memory, passes, parallelism } = parse(stored)
      return (
        memory !== parameters.memory ||
        passes !== parameters.passes ||
        parallelism !== parameters.parallelism
      )
    },
  }
}

interface Costs {
  /** KiB. */
  readonly memory: number
  readonly passes: number
  readonly parallelism: number
}

async function tagOf(
  password: string,
  costs: Costs,
  nonce: Buffer,
  tagLength: number,
): Promise<Buffer> {
  const message = Buffer.from(password, 'utf8')
  return derive('argon2id', { ...costs, message, nonce, tagLength })
}

/** @see https://github.com/P-H-C/phc-string-format */
function render({ memory, passes, parallelism }: Costs, nonce: Buffer, tag: Buffer): string {
  const [salt, hash] = [nonce, tag].map(part => part.toString('base64').replaceAll('=', ''))
  return `$argon2id$v=19$m=${memory},t=${passes},p=${parallelism}$${salt}$${hash}`
}

const phc = /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$([\w+/]+)\$([\w+/]+)$/

function parse(stored: string): Costs & { readonly nonce: Buffer; readonly tag: Buffer } {
  const [, memory, passes, parallelism, salt = '', hash = ''] = phc.exec(stored) ?? []
  if (hash === '') throw new Error('A stored password hash is no PHC string of argon2id.')
  return {
    memory: Number(memory),
    passes: Number(passes),
    parallelism: Number(parallelism),
    nonce: Buffer.from(salt, 'base64'),
    tag: Buffer.from(hash, 'base64'),
  }
}

/** Runs at most `max` at the same time, in order of arrival. */
function createSlots(max: number, queueMax: number) {
  const waiting: (() => void)[] = []
  let running = 0

  return async <T>(work: () => Promise<T>): Promise<T> => {
    if (running >= max) {
      if (waiting.length >= queueMax) {
        throw new AppError([chassis.overloaded()], { headers: { 'retry-after': '1' } })
      }
      // Whoever ends hands its slot over, so nobody who comes later can take it.
      await new Promise<void>(resolve => {
        waiting.push(resolve)
      })
    } else running += 1
    try {
      return await work()
    } finally {
      const next = waiting.shift()
      if (next === undefined) running -= 1
      else next()
    }
  }
}
