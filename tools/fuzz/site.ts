import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openHome } from '../local/home.ts'
import { Mesh } from '../local/mesh.ts'
import { holdPort } from '../local/ports.ts'
import { claimRunFile } from '../local/run-file.ts'
import { openSecrets } from '../local/secrets.ts'
import { knownServices } from '../local/services.ts'
import { envWithoutServers } from '../prove/mesh.ts'

/** A mesh of its own that nobody has visited yet: it has no admin. */
export interface Site {
  readonly gatewayUrl: string
  readonly inboxUrl: string
  /** DATABASE_URL of each service. */
  readonly databases: Readonly<Record<string, string>>
  readonly firstAdminSecret: string
  readonly webhookSecret: string
  /** For files that go with the mesh. */
  readonly folder: string
  /** Stops the mesh and deletes its folder. */
  close(): Promise<void>
}

/** Limits that one address does not reach. */
const limits = {
  CAMPUS_GATEWAY_ANONYMOUS_PER_MINUTE: '1000000',
  CAMPUS_GATEWAY_SIGNED_IN_PER_MINUTE: '1000000',
  CAMPUS_USERS_REGISTER_PER_HOUR: '1000000',
  CAMPUS_USERS_LOGIN_PER_MINUTE_ADDRESS: '1000000',
  CAMPUS_USERS_LOGIN_PER_MINUTE_ACCOUNT: '1000000',
}

/** Starts a mesh on free ports in a temporary folder, and waits until it is ready. */
export async function openSite(): Promise<Site> {
  const home = openHome(mkdtempSync(join(tmpdir(), 'campus-fuzz-')))
  const mesh = new Mesh({
    home,
    runFile: claimRunFile(home),
    services: knownServices(),
    takePort: () => holdPort(undefined),
    isWatching: false,
    env: { ...envWithoutServers(), ...limits },
    say: () => undefined,
  })
  async function close(): Promise<void> {
    await mesh.stop()
    rmSync(home.path, { recursive: true, force: true })
  }
  try {
    const { endpoints, databases } = await mesh.start()
    // Not before: the secrets are made by the start.
    const secrets = openSecrets(home)
    return {
      gatewayUrl: endpoints['gateway'] ?? '',
      inboxUrl: endpoints['inbox'] ?? '',
      databases,
      firstAdminSecret: secrets('users.FIRST_ADMIN_SECRET'),
      webhookSecret: secrets('payments.WEBHOOK_SECRET'),
      folder: home.path,
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}
