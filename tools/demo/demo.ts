import { CliError } from '../cli-error.ts'
import { readStatus } from '../local/status.ts'
import { locate } from '../operate/addresses.ts'
import { createClient } from '../prove/client.ts'
import { readStory } from './story.ts'
import { demoOf, timeline } from './timeline.ts'
import { walk } from './walk.ts'

/** Options of `campus demo`. */
export interface DemoOptions {
  readonly home: string
  readonly json?: boolean
}

/**
 * Walks through a purchase on the running mesh and prints what happened at each hop.
 *
 * @throws CliError when no mesh runs, or when a step is refused
 */
export async function demo({ home, json }: DemoOptions): Promise<void> {
  const { ready, endpoints } = await readStatus(home)
  const { gateway, inbox } = endpoints
  if (gateway === undefined) {
    throw new CliError('Campus is not running. Start it with "campus up", then try again.')
  }
  if (!ready) throw new CliError('Campus is not ready yet. Look at "campus status".')
  if (inbox === undefined) {
    throw new CliError('The demo reads mails, and this mesh sends them to a server of your own.')
  }
  const addresses = locate({ home, context: 'local' })
  const walked = await walk(createClient(gateway), inbox)
  const told = demoOf(walked, await readStory(addresses, walked.story))
  process.stdout.write(json === true ? `${JSON.stringify(told, null, 2)}\n` : timeline(told))
}
