import { join } from 'node:path'
import { expectEnvTable, expectGenerated } from '@campus/platform/testing/generated'
import { test } from 'tap'
import { rowTexts, sagaPage } from './checkout/saga-doc.ts'
import { Config } from './config.ts'

test('the README lists every setting as the code has it', async () => {
  expectEnvTable(join(import.meta.dirname, '../README.md'), Config)
})

test('docs/checkout-saga.md is what the table of the saga makes', async t => {
  expectGenerated(join(import.meta.dirname, '../../../docs/checkout-saga.md'), sagaPage())
  const rows = sagaPage().match(/^\| \d+ \|.*$/gm) ?? []
  t.equal(rows.length, 33)
  t.equal(Object.keys(rowTexts).length, 33)
  for (const row of rows) t.notMatch(row, /\| {2}\|/, `${row} says where and when`)
})
