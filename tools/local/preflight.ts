import { findProgram } from './command.ts'
import { findJava, javaMajorVersion, javaRelease, javaVersionMin } from './java.ts'
import { isKafkaCached } from './kafka/program.ts'

/** One thing that a mesh needs of the machine. */
export interface Check {
  readonly name: string
  /** What was found, or what is missing and how to cure it: one sentence. */
  readonly text: string
  readonly isOk: boolean
}

const nodeVersionMin = 24

/**
 * Looks at the machine before anything is started.
 *
 * @param env an address of an own server makes the tools for that server unnecessary
 */
export async function preflight(env: NodeJS.ProcessEnv): Promise<Check[]> {
  const needsKafka = (env['KAFKA_BROKERS'] ?? '') === ''
  return [checkNode(), ...(needsKafka ? [await checkJava(), checkMaven()] : [])]
}

function checkNode(): Check {
  const major = Number(process.versions.node.split('.')[0])
  const found = `Node ${process.versions.node}`
  return major >= nodeVersionMin
    ? { name: 'node', isOk: true, text: found }
    : {
        name: 'node',
        isOk: false,
        text: `${found} is too old: use "npm run campus -- …", which runs on the pinned one.`,
      }
}

async function checkJava(): Promise<Check> {
  const cure = `Install a JDK ${javaVersionMin} or newer (Debian: "apt-get install openjdk-17-jre-headless", macOS: "brew install openjdk"), or set KAFKA_BROKERS to a Kafka of yours.`
  const java = findJava()
  try {
    const release = await javaRelease(java)
    const major = javaMajorVersion(release)
    const isOk = major >= javaVersionMin
    return {
      name: 'java',
      isOk,
      text: isOk ? `Java ${major} (${java})` : `Java ${major} is too old for Kafka 4. ${cure}`,
    }
  } catch {
    return { name: 'java', isOk: false, text: `There is no Java, which Kafka runs on. ${cure}` }
  }
}

function checkMaven(): Check {
  const program = findProgram('mvn')
  if (program !== undefined) return { name: 'maven', isOk: true, text: `Maven (${program})` }
  if (isKafkaCached()) return { name: 'maven', isOk: true, text: 'Kafka is downloaded already' }
  return {
    name: 'maven',
    isOk: false,
    text: 'There is no Maven, which downloads Kafka once. Install it (Debian: "apt-get install maven", macOS: "brew install maven"), or set KAFKA_BROKERS to a Kafka of yours.',
  }
}
