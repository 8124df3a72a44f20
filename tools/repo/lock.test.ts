import { readFileSync } from 'node:fs'
import { test } from 'tap'

const lock: { packages: Record<string, { resolved?: string }> } = JSON.parse(
  readFileSync('package-lock.json', 'utf8'),
)

test('dependencies that packages hand to each other are installed once', t => {
  // Two copies of drizzle-orm have types that do not fit; two of kafkajs would leave one unpatched.
  const shared = /\/node_modules\/(drizzle-orm|fastify|kafkajs|pg|typebox)$/
  const copies = Object.keys(lock.packages).filter(path => shared.test(path))
  t.strictSame(copies, [])
  t.end()
})

test('the lock names no registry, so that everybody installs from their own', t => {
  const addresses = Object.values(lock.packages).filter(
    ({ resolved }) => resolved?.startsWith('http') === true,
  )
  t.strictSame(addresses, [])
  t.end()
})
