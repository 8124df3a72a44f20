import { join } from 'node:path'
import { expectEnvTable } from '@campus/platform/testing/generated'
import { test } from 'tap'
import { Config } from './config.ts'

test('the README lists every setting as the code has it', async () => {
  expectEnvTable(join(import.meta.dirname, '../README.md'), Config)
})
