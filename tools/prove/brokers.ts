import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createKafka } from '@campus/platform/events/kafka'
import type { Cleanup } from '@campus/platform/testing/cleanup'
import { eventually } from '@campus/platform/testing/eventually'
import { runCommand } from '../local/command.ts'
import { kafkaProgram } from '../local/kafka/program.ts'
import { holdPort } from '../local/ports.ts'

/** One node of a cluster: broker and controller in one process. */
export interface BrokerNode {
  /** From 1. */
  readonly id: number
  readonly address: string
  signal(signal: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): void
  /** Starts it again after a kill. */
  restart(): Promise<void>
}

const template = join(import.meta.dirname, '../local/kafka/server.properties.tmpl')
const log4j = join(import.meta.dirname, '../local/kafka/log4j2.properties')

/** Starts a cluster of real Kafka nodes; topics have `count` replicas and need two of them in sync. */
export async function startBrokers(t: Cleanup, count: number): Promise<BrokerNode[]> {
  const folder = mkdtempSync(join(tmpdir(), 'campus-brokers-'))
  const program = await kafkaProgram({
    say: () => undefined,
    signal: AbortSignal.timeout(300_000),
  })
  const clusterId = `A${randomBytes(16).toString('base64url').slice(1)}`
  const ids = Array.from({ length: count }, (_, n) => n + 1)
  const held = await Promise.all(ids.flatMap(() => [holdPort(undefined), holdPort(undefined)]))
  const portOf = (index: number) => held[index]?.port ?? 0
  const brokerPort = (id: number) => portOf((id - 1) * 2)
  const controllerPort = (id: number) => portOf((id - 1) * 2 + 1)
  const voters = ids.map(id => `${id}@127.0.0.1:${controllerPort(id)}`).join(',')
  await Promise.all(held.map(port => port.release()))
  const children: ChildProcess[] = []
  t.teardown(async () => {
    for (const child of children) await end(child)
    rmSync(folder, { recursive: true, force: true })
  })

  function settings(id: number): string {
    const home = join(folder, String(id))
    mkdirSync(home, { recursive: true })
    const text = readFileSync(template, 'utf8')
      .replaceAll('@PORT@', String(brokerPort(id)))
      .replaceAll('@APORT@', String(brokerPort(id)))
      .replaceAll('@CPORT@', String(controllerPort(id)))
      .replaceAll('@DIR@', join(home, 'log'))
      .replace(/^node\.id=.*$/m, `node.id=${id}`)
      .replace(/^controller\.quorum\.voters=.*$/m, `controller.quorum.voters=${voters}`)
      .replaceAll(/^(.*replication\.factor)=.*$/gm, `$1=${count}`)
      .replace(/^min\.insync\.replicas=.*$/m, 'min.insync.replicas=2')
    const file = join(home, 'server.properties')
    writeFileSync(file, text)
    return file
  }

  function launch(id: number, file: string): ChildProcess {
    const log = openSync(join(folder, `${id}.log`), 'a')
    const child = spawn(
      program.java,
      [
        '-XX:+UseSerialGC',
        '-XX:TieredStopAtLevel=1',
        '-Xmx256m',
        `-Dlog4j2.configurationFile=file:${log4j}`,
        ...program.archive.useFlags(),
        '-cp',
        program.classPath,
        'kafka.Kafka',
        file,
      ],
      { cwd: join(folder, String(id)), stdio: ['ignore', log, log] },
    )
    children.push(child)
    return child
  }

  async function start(id: number): Promise<BrokerNode> {
    const file = settings(id)
    await runCommand({
      command: program.java,
      args: [
        '-Xmx96m',
        '-cp',
        program.classPath,
        'kafka.tools.StorageTool',
        'format',
        '--ignore-formatted',
        '-t',
        clusterId,
        '-c',
        file,
      ],
      cwd: join(folder, String(id)),
    })
    let child = launch(id, file)
    return {
      id,
      address: `127.0.0.1:${brokerPort(id)}`,
      signal: signal => void child.kill(signal),
      async restart() {
        await end(child)
        child = launch(id, file)
        await ready(brokerPort(id))
      },
    }
  }

  const nodes = await Promise.all(ids.map(start))
  await Promise.all(ids.map(id => ready(brokerPort(id))))
  return nodes
}

async function ready(port: number): Promise<void> {
  const kafka = createKafka({ brokers: [`127.0.0.1:${port}`], clientId: 'probe' })
  await eventually(() => kafka.admin.ping(), { timeoutMs: 60_000, everyMs: 200 })
  await kafka.close()
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  child.kill('SIGKILL')
  // A frozen process dies of SIGKILL too.
  await exited
}
