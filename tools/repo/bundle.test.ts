import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { type Test, test } from 'tap'

test('a bundle that holds a file of another service is refused', t => {
  const root = repository(t, {
    'services/orders/src/main.ts': "import '../../payments/src/charge.ts'",
    'services/payments/src/charge.ts': 'globalThis.name = 1',
  })
  const { status, stderr } = bundle(root)
  t.equal(status, 1)
  t.match(stderr, 'services/payments/src/charge.ts, which belongs to another service')
  t.end()
})

test('a bundle runs by itself, with dependencies that call require or import createRequire', t => {
  const root = repository(t, {
    'services/orders/src/main.ts':
      "import { createRequire } from 'node:module'\nimport './old.cjs'\nconsole.log(typeof createRequire)",
    'services/orders/src/old.cjs': "require('node:fs')",
  })
  t.equal(bundle(root).status, 0)
  rmSync(join(root, 'services'), { recursive: true })
  const run = spawnSync(process.execPath, ['dist/orders.js'], { cwd: root, encoding: 'utf8' })
  t.equal(run.stdout, 'function\n', run.stderr)
  t.end()
})

function repository(t: Test, files: Readonly<Record<string, string>>): string {
  const root = mkdtempSync(join(tmpdir(), 'bundle-'))
  t.teardown(() => rmSync(root, { recursive: true }))
  symlinkSync(join(process.cwd(), 'node_modules'), join(root, 'node_modules'))
  mkdirSync(join(root, 'tools/repo'), { recursive: true })
  cpSync('tools/repo/bundle.ts', join(root, 'tools/repo/bundle.ts'))
  writeFileSync(join(root, 'package.json'), '{ "type": "module" }')
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), content)
  }
  return root
}

function bundle(root: string) {
  return spawnSync(process.execPath, ['tools/repo/bundle.ts'], { cwd: root, encoding: 'utf8' })
}
