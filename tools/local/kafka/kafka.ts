import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { runCommand } from '../command.ts'
import { loopback } from '../ports.ts'
import type { Server, ServerOptions } from '../server.ts'
import { coordinatorAnswers } from './coordinator-probe.ts'
import { type KafkaProgram, kafkaProgram } from './program.ts'

const preferredPorts = { broker: 19092, controller: 19093 }

/** Prepares one Kafka 4.3 node, broker and controller in one process; a first start formats its log. */
export async function prepareKafka(options: ServerOptions): Promise<Server> {
  const program = await kafkaProgram(options)
  const [broker, controller] = await Promise.all([
    options.takePort(preferredPorts.broker),
    options.takePort(preferredPorts.controller),
  ])
  const folder = join(options.home.data, 'kafka')
  const advertisedPort = options.advertisedKafkaPort ?? broker.port
  const properties = writeProperties(folder, {
    '@PORT@': broker.port,
    '@CPORT@': controller.port,
    '@APORT@': advertisedPort,
  })
  await formatLog(program, folder, properties, options.signal)
  return {
    url: `${loopback}:${advertisedPort}`,
    spec: {
      name: 'kafka',
      stopSignal: 'SIGTERM',
      launch: async () => {
        await Promise.all([broker.release(), controller.release()])
        const flags = [...jvmFlags, ...heapFlags, ...program.archive.flags()]
        return {
          command: program.java,
          args: [...flags, '-cp', program.classPath, 'kafka.Kafka', properties],
          cwd: folder,
        }
      },
      probe: () => coordinatorAnswers(broker.port),
      onExit: () => program.archive.keep(),
    },
  }
}

const jvmFlags = [
  // For a small heap on few cores: less memory and no compiler threads that outlive the start.
  '-XX:+UseSerialGC',
  '-XX:TieredStopAtLevel=1',
  `-Dlog4j2.configurationFile=file:${join(import.meta.dirname, 'log4j2.properties')}`,
]

const heapFlags = ['-Xms64m', '-Xmx256m', '-XX:+ExitOnOutOfMemoryError']

/** Ports may differ at every start: nothing in the log remembers them. */
function writeProperties(folder: string, ports: Readonly<Record<string, number>>): string {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const template = readFileSync(join(import.meta.dirname, 'server.properties.tmpl'), 'utf8')
  const file = join(folder, 'server.properties')
  const text = Object.entries(ports).reduce(
    (filled, [place, port]) => filled.replaceAll(place, String(port)),
    template.replaceAll('@DIR@', join(folder, 'log')),
  )
  writeFileSync(file, text)
  return file
}

async function formatLog(
  program: KafkaProgram,
  folder: string,
  properties: string,
  signal: AbortSignal,
): Promise<void> {
  if (existsSync(join(folder, 'log', 'meta.properties'))) return
  // An id may not start with a dash: the tool would read it as an option.
  const clusterId = randomBytes(16).toString('base64url').replace(/^-/, 'A')
  const flags = [...jvmFlags, ...program.archive.useFlags(), '-Xmx96m', '-cp', program.classPath]
  const format = ['format', '--ignore-formatted', '-t', clusterId, '-c', properties]
  await runCommand({
    command: program.java,
    args: [...flags, 'kafka.tools.StorageTool', ...format],
    cwd: folder,
    signal,
  })
}
