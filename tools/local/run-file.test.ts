import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Test, test } from 'tap'
import { openHome } from './home.ts'
import { AlreadyRunning, claimRunFile, readRunFile } from './run-file.ts'

test('a home belongs to one launcher at a time', t => {
  const home = temporaryHome(t)
  const writer = claimRunFile(home)
  t.throws(() => claimRunFile(home), new AlreadyRunning(home, process.pid))
  writer.remove()
  t.equal(readRunFile(home), undefined)
  claimRunFile(home)
  t.end()
})

test('a file left by a launcher that was killed is taken over, also when its id was given away', t => {
  const home = temporaryHome(t)
  claimRunFile(home)
  const file = join(home.path, 'run.json')
  const found: { launcher: object } = JSON.parse(readFileSync(file, 'utf8'))
  // The id of a process that lives, with the start time of one that does not.
  const launcher = { pid: process.pid, identity: '1' }
  writeFileSync(file, JSON.stringify({ ...found, launcher }))
  t.equal(readRunFile(home), undefined)
  claimRunFile(home)
  t.match(readRunFile(home)?.launcher, { pid: process.pid })
  t.end()
})

function temporaryHome(t: Test) {
  const home = openHome(mkdtempSync(join(tmpdir(), 'run-file-')))
  t.teardown(() => rmSync(home.path, { recursive: true }))
  return home
}
