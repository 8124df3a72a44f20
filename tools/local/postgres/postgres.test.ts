import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { provisionService } from '@campus/platform/data/migrate'
import { type Test, test } from 'tap'
import { startGuard } from '../guard.ts'
import { type Home, openHome } from '../home.ts'
import { holdPort } from '../ports.ts'
import { openSecrets } from '../secrets.ts'
import { SupervisedProcess } from '../supervisor.ts'
import { locateClusterFolder, postgresAccount } from './account.ts'
import { preparePostgres } from './postgres.ts'

test('Postgres starts below a folder that only its owner may enter, also for root', async t => {
  const parent = mkdtempSync(join(tmpdir(), 'postgres-'))
  chmodSync(parent, 0o700)
  t.teardown(() => rmSync(parent, { recursive: true }))
  const home = openHome(join(parent, 'home'))
  t.teardown(() =>
    rmSync(locateClusterFolder(home, postgresAccount()), { recursive: true, force: true }),
  )
  const { adminUrl, stop } = await startPostgres(t, home)
  const url = await provisionService({ adminUrl, service: 'kept', password: 'only-for-tests' })
  t.match(url, /^postgres:\/\/campus_kept:/)
  await stop()

  const again = await startPostgres(t, home)
  t.ok(
    await provisionService({
      adminUrl: again.adminUrl,
      service: 'kept',
      password: 'only-for-tests',
    }),
    'the second start uses the cluster of the first one, with its password',
  )
})

async function startPostgres(t: Test, home: Home) {
  const guard = startGuard()
  const server = await preparePostgres({
    home,
    secrets: openSecrets(home),
    takePort: () => holdPort(undefined),
    isDurable: false,
    signal: new AbortController().signal,
    say: () => undefined,
  })
  const supervised = new SupervisedProcess(server.spec, {
    guard,
    logFile: name => join(home.logs, `${name}.log`),
    onChange: () => undefined,
    say: () => undefined,
  })
  const stop = async () => {
    await supervised.stop(5_000)
    guard.dismiss()
  }
  t.teardown(stop)
  await supervised.start()
  return { adminUrl: server.url, stop }
}
