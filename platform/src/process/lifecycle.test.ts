import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'tap'
import { quietParts } from '../testing/chassis-parts.ts'
import { createLifecycle } from './lifecycle.ts'

function lifecycle(timeoutMs = 5_000) {
  const done: string[] = []
  const parts = createLifecycle({ logger: quietParts().logger, timeoutMs })
  return { parts, done }
}

test('parts start and stop in the order they were added, and stop only once', async t => {
  const { parts, done } = lifecycle()
  for (const name of ['first', 'second']) {
    parts.onStart(name, () => void done.push(`start ${name}`))
    parts.onStop(name, () => void done.push(`stop ${name}`))
  }
  await parts.start()
  await Promise.all([parts.stop(), parts.stop()])
  t.same(done, ['start first', 'start second', 'stop first', 'stop second'])
})

test('a part that fails to stop does not keep the others from stopping', async t => {
  const { parts, done } = lifecycle()
  parts.onStop('broken', () => Promise.reject(new Error('broken')))
  parts.onStop('other', () => void done.push('other'))
  await t.rejects(parts.stop(), { message: 'The stop was not clean.' })
  t.same(done, ['other'])
})

test('a start that fails stops what was started and throws its own error', async t => {
  const { parts, done } = lifecycle()
  parts.onStart('broken', () => Promise.reject(new Error('no port')))
  parts.onStart('never', () => void done.push('never'))
  parts.onStop('first', () => void done.push('stopped'))
  await t.rejects(parts.start(), { message: 'no port' })
  t.same(done, ['stopped'])
})

test('a stop during the start starts nothing more', async t => {
  const { parts, done } = lifecycle()
  parts.onStart('first', () => parts.stop())
  parts.onStart('second', () => void done.push('second'))
  await parts.start()
  t.same(done, [])
})

test('a stop that hangs fails at its deadline', async t => {
  const { parts } = lifecycle(30)
  parts.onStop('hangs', () => new Promise(() => undefined))
  await t.rejects(parts.stop(), { message: 'The stop took longer than 30 ms.' })
})

/** Runs a process that prints `ready` and then waits; `stop` is the body of its stop. */
async function startProcess(options: { stop?: string; body?: string }) {
  const module = new URL('./lifecycle.ts', import.meta.url).href
  const source = `
    import { closeOnSignal } from ${JSON.stringify(module)}
    closeOnSignal({ start: async () => {}, stop: async () => { ${options.stop ?? ''} } })
    setInterval(() => {}, 1000)
    console.log('ready')
    ${options.body ?? ''}`
  const child = spawn(process.execPath, ['--input-type=module', '-e', source])
  let output = ''
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString()
  })
  const exit = once(child, 'exit')
  await once(child.stdout, 'data')
  return {
    child,
    exitCode: async (): Promise<unknown> => {
      const [code] = await exit
      return code
    },
    output: () => output,
  }
}

test('SIGTERM and SIGINT stop the service and exit 0', async t => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    const { child, exitCode } = await startProcess({})
    child.kill(signal)
    t.equal(await exitCode(), 0)
  }
})

test('a second signal exits 1 at once', async t => {
  const { child, exitCode } = await startProcess({
    stop: "console.log('stopping now'); await new Promise(() => {})",
  })
  child.kill('SIGTERM')
  await once(child.stdout, 'data')
  child.kill('SIGTERM')
  t.equal(await exitCode(), 1)
})

test('a stop that fails exits 1', async t => {
  const { child, exitCode } = await startProcess({ stop: "throw new Error('unclean')" })
  child.kill('SIGTERM')
  t.equal(await exitCode(), 1)
})

test('an error that nobody caught is logged and exits 1', async t => {
  const rejected = await startProcess({ body: "Promise.reject(new Error('lost promise'))" })
  t.equal(await rejected.exitCode(), 1)
  t.match(rejected.output(), /"level":"fatal".*lost promise/)
  const thrown = await startProcess({ body: "setTimeout(() => { throw new Error('lost') })" })
  t.equal(await thrown.exitCode(), 1)
})
