import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { exchange } from './exchange.ts'
import { loopback } from './ports.ts'
import type { Server, ServerOptions } from './server.ts'
import { valkeyProgram } from './valkey-program.ts'

const preferredPort = 16379

/** Prepares Valkey, or a Redis that the machine has: rate limits, caches, presence. */
export async function prepareValkey(options: ServerOptions): Promise<Server> {
  const [command, held] = await Promise.all([
    valkeyProgram(options),
    options.takePort(preferredPort),
  ])
  const folder = join(options.home.data, 'valkey')
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const settings = {
    port: String(held.port),
    bind: loopback,
    dir: folder,
    // No snapshots; the append-only file loses at most a second.
    save: '',
    appendonly: options.isDurable ? 'yes' : 'no',
    appendfsync: 'everysec',
    maxmemory: '256mb',
    // Idempotency keys and limits are no cache: a full server refuses writes rather than forget.
    'maxmemory-policy': 'noeviction',
  }
  return {
    url: `redis://${loopback}:${held.port}`,
    spec: {
      name: 'valkey',
      stopSignal: 'SIGTERM',
      launch: async () => {
        await held.release()
        const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value])
        return { command, args, cwd: folder }
      },
      probe: () => exchange(held.port, 'PING\r\n', isPong),
    },
  }
}

function isPong(answer: Buffer): boolean {
  const text = answer.toString('latin1')
  if (text.startsWith('-')) throw new Error(text.trim())
  return text.startsWith('+PONG')
}
