import type { Topic } from '@campus/contracts/topics'
import type { Kafka } from './kafka.ts'

/** Creates the topics of the manifest that do not exist. @returns their names */
export async function applyTopics(kafka: Kafka, manifest: readonly Topic[]): Promise<string[]> {
  return kafka.admin.create(manifest)
}

/** How the cluster differs from the manifest, a sentence each; partitions are never changed here. */
export async function verifyTopics(kafka: Kafka, manifest: readonly Topic[]): Promise<string[]> {
  const found = await Promise.all(manifest.map(topic => kafka.admin.describe(topic.name)))
  return manifest.flatMap((topic, i) => {
    const actual = found[i]
    if (actual === undefined) return [`${topic.name} does not exist.`]
    const problems = Object.entries(topic.config)
      .filter(([name, value]) => actual.config[name] !== value)
      .map(([name, value]) => `${topic.name}: ${name} is ${actual.config[name]}, not ${value}.`)
    if (actual.partitions !== topic.partitions) {
      problems.push(`${topic.name} has ${actual.partitions} partitions, not ${topic.partitions}.`)
    }
    return problems
  })
}
