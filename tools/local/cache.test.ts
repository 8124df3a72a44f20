import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Test, test } from 'tap'
import { cached } from './cache.ts'

const never = new AbortController().signal

test('two that need the same download at once make it once', async t => {
  temporaryCache(t)
  let fills = 0
  const fill = (folder: string) => {
    fills++
    writeFileSync(join(folder, 'file'), '')
    return Promise.resolve()
  }
  const folders = await Promise.all([
    cached('thing-1', never, fill),
    cached('thing-1', never, fill),
  ])
  t.equal(fills, 1)
  t.equal(folders[0], folders[1])
  t.ok(existsSync(join(folders[0], 'file')))
})

test('a download that fails leaves nothing that looks finished', async t => {
  const root = temporaryCache(t)
  await t.rejects(
    cached('thing-1', never, () => Promise.reject(new Error('no network'))),
    'no network',
  )
  t.notOk(existsSync(join(root, 'thing-1')))
  await cached('thing-1', never, () => Promise.resolve())
  t.strictSame(readdirSync(root), ['thing-1'])
})

test('the lock of a process that has died is taken over', async t => {
  const root = temporaryCache(t)
  // No process has this id: it is above what any system gives.
  writeFileSync(join(root, 'thing-1.lock'), '99999999')
  await cached('thing-1', never, () => Promise.resolve())
  t.strictSame(readdirSync(root), ['thing-1'])
})

function temporaryCache(t: Test): string {
  const folder = mkdtempSync(join(tmpdir(), 'cache-'))
  const before = process.env['CAMPUS_CACHE']
  process.env['CAMPUS_CACHE'] = folder
  t.teardown(() => {
    if (before === undefined) delete process.env['CAMPUS_CACHE']
    else process.env['CAMPUS_CACHE'] = before
    rmSync(folder, { recursive: true })
  })
  return folder
}
