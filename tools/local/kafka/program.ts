import { createHash } from 'node:crypto'
import { existsSync, globSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { cached } from '../cache.ts'
import { findProgram, runCommand } from '../command.ts'
import { cacheFolder } from '../home.ts'
import { findJava, javaRelease } from '../java.ts'
import type { ServerOptions } from '../server.ts'

/** How to run a class of Kafka's. */
export interface KafkaProgram {
  readonly java: string
  /** The jars, in a fixed order: the class archive fits exactly one class path. */
  readonly classPath: string
  readonly archive: ClassArchive
}

/**
 * Loaded and verified classes, written by one JVM at its exit and mapped by the next: 2.6 s of start-up
 * become 1.0 s.
 */
export interface ClassArchive {
  /** JVM flags that use the archive, or that write one when there is none yet. */
  readonly flags: () => readonly string[]
  /** JVM flags that use the archive when there is one. */
  readonly useFlags: () => readonly string[]
  /** Puts what the JVM wrote at its exit into place. */
  readonly keep: () => void
}

const pom = join(import.meta.dirname, 'pom.xml')
const goal = 'dependency:copy-dependencies'

/** Finds Java and the jars of Kafka 4.3, which Maven downloads the first time. */
export async function kafkaProgram({
  say,
  signal,
}: Pick<ServerOptions, 'say' | 'signal'>): Promise<KafkaProgram> {
  const java = findJava()
  const jars = await cached(jarFolder(), signal, async target => {
    say('downloading Kafka (44 MB, once)')
    await runCommand({
      command: findProgram('mvn') ?? 'mvn',
      signal,
      args: ['-B', '-q', '-ntp', '-f', pom, goal, `-DoutputDirectory=${target}`],
    })
  })
  const classPath = globSync(join(jars, '*.jar')).toSorted().join(delimiter)
  const release = await javaRelease(java)
  const file = join(cacheFolder(), 'kafka-classes', `${hash(release + classPath)}.jsa`)
  return { java, classPath, archive: classArchive(file) }
}

/** Whether the jars are here already, so that Maven is not needed. */
export function isKafkaCached(): boolean {
  return existsSync(join(cacheFolder(), jarFolder()))
}

/** Named after the list of jars: another list is another folder. */
function jarFolder(): string {
  return `kafka-${hash(readFileSync(pom, 'utf8'))}`
}

function classArchive(file: string): ClassArchive {
  const quiet = ['-Xlog:cds=off', '-Xlog:cds+dynamic=off']
  // Two launchers may write at the same time: each its own file, and the last one wins.
  const written = `${file}.${process.pid}`
  const useFlags = () =>
    existsSync(file) ? [`-XX:SharedArchiveFile=${file}`, '-Xshare:auto', ...quiet] : []
  return {
    useFlags,
    flags: () => {
      if (existsSync(file)) return useFlags()
      mkdirSync(join(file, '..'), { recursive: true })
      return [`-XX:ArchiveClassesAtExit=${written}`, ...quiet]
    },
    keep: () => {
      if (!existsSync(written)) return
      if (existsSync(file)) rmSync(written)
      else renameSync(written, file)
    },
  }
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 12)
}
