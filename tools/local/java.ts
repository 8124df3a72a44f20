import { join } from 'node:path'
import { findProgram, runCommand } from './command.ts'

/** Kafka 4 needs at least this one. */
export const javaVersionMin = 17

/** The Java that JAVA_HOME names, else the one on the search path. */
export function findJava(): string {
  const home = process.env['JAVA_HOME']
  return home === undefined || home === ''
    ? (findProgram('java') ?? 'java')
    : join(home, 'bin', 'java')
}

/** What `java -version` prints, on one line. */
export async function javaRelease(java: string): Promise<string> {
  const { stdout, stderr } = await runCommand({ command: java, args: ['-version'] })
  return (stdout + stderr).replaceAll(/\s+/g, ' ').trim()
}

/** The major version in what `java -version` prints, 0 when it names none. */
export function javaMajorVersion(release: string): number {
  return Number(/version "(\d+)/.exec(release)?.[1] ?? 0)
}
