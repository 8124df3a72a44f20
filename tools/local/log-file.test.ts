import { appendFileSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'tap'
import { boundLog, lastLines } from './log-file.ts'

test('a log is moved aside when it grows too long, and its writer goes on', t => {
  const folder = mkdtempSync(join(tmpdir(), 'log-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'orders.log')
  writeFileSync(file, Buffer.alloc(17 * 1024 * 1024, 'x'))
  boundLog(file)
  t.equal(statSync(file).size, 0)
  t.ok(statSync(`${file}.1`).size > 0)
  appendFileSync(file, 'one\ntwo\nthree\n')
  boundLog(file)
  t.strictSame(lastLines(file, 2), ['two', 'three'])
  t.end()
})

test('a log that does not exist has no lines', t => {
  t.strictSame(lastLines('/no/such/file', 5), [])
  t.end()
})
