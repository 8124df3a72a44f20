import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'tap'

const root = join(import.meta.dirname, '../..')
const pages = ['RESILIENCE.md', 'docs/security.md']
const path = /`((?:contracts|e2e|platform|services|tools)\/[\w./-]+)`/g

/** A page may leave out how a test's name ends. */
const endings = ['', '.ts', '.test.ts']

test('every test that a page names exists', async t => {
  for (const page of pages) {
    const names = [...readFileSync(join(root, page), 'utf8').matchAll(path)].map(([, name]) => name)
    t.ok(names.length > 20, `${page} names ${names.length} files`)
    for (const name of names) {
      t.ok(
        endings.some(ending => existsSync(join(root, `${name}${ending}`))),
        `${page}: ${name}`,
      )
    }
  }
})
