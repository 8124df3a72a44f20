import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { Cleanup } from '@campus/platform/testing/cleanup'
import { eventually } from '@campus/platform/testing/eventually'

/** The service as a process of its own, for what only a process shows: its log. */
export async function startUsersProcess(
  t: Cleanup,
  env: Readonly<Record<string, string>>,
  settings: Readonly<Record<string, string>>,
) {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'main.ts')], {
    env: { ...env, ...settings },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const exited = once(child, 'exit')
  let log = ''
  child.stdout.on('data', (chunk: Buffer) => {
    log += chunk.toString()
  })
  async function stop(): Promise<string> {
    child.kill('SIGTERM')
    await exited
    return log
  }
  t.teardown(stop)
  const url = await eventually(() => {
    const [address] =
      /http:\/\/127\.0\.0\.1:\d+/.exec(log.split('Server listening at')[1] ?? '') ?? []
    if (address === undefined) throw new Error(`The service does not listen yet: ${log}`)
    return address
  })
  return { url, stop }
}
