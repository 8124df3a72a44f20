import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'tap'
import { root } from '../local/services.ts'

const pages = globSync('{*.md,docs/**/*.md}', { cwd: root })

test('every test file that a page names exists', async t => {
  for (const page of pages) {
    const text = readFileSync(join(root, page), 'utf8')
    for (const [, path = ''] of text.matchAll(/`([\w./-]+\/[\w.-]+\.test\.ts)`/g)) {
      t.ok(existsSync(join(root, path)), `${page}: ${path}`)
    }
  }
})

test('every link of a page leads to a file', async t => {
  for (const page of pages) {
    const text = readFileSync(join(root, page), 'utf8')
    for (const [, target = ''] of text.matchAll(/\]\(([^)#:\s]+)(?:#[^)]*)?\)/g)) {
      t.ok(existsSync(join(root, dirname(page), target)), `${page}: ${target}`)
    }
  }
})
