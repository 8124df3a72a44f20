import { sql } from 'drizzle-orm'
import { bigint, boolean, jsonb, pgTable, text, timestamp, uuid } from 'drizzle-orm/pg-core'
import { test } from 'tap'
import { newId } from '../new-id.ts'
import { createTestDatabase } from '../testing/database.ts'
import { isAnyOf } from './is-any-of.ts'
import { insertNewRows, updateRows } from './rows.ts'

const glass = pgTable('glass', {
  id: uuid('id').primaryKey(),
  label: text('label').notNull(),
  holdsMl: bigint('holds_ml', { mode: 'number' }).notNull(),
  isClean: boolean('is_clean').notNull(),
  tags: text('tags').array().notNull(),
  scratches: jsonb('scratches').$type<{ at: string }[] | null>(),
  washedAt: timestamp('washed_at', { withTimezone: true }),
})

test('rows of every type of column are added and changed, many by one statement', async t => {
  const { postgres } = await createTestDatabase(t, {
    service: 'bar',
    directories: ['platform/migrations'],
  })
  const washedAt = new Date('2026-03-01T10:00:00.123Z')
  const [first, second, third] = ['a', 'b', 'c'].map(label => ({
    id: newId(),
    label,
    holdsMl: 9_007_199_254_740_991,
    isClean: label !== 'b',
    tags: [label, 'it\'s "quoted", {odd}'],
    scratches: label === 'c' ? null : [{ at: 'rim' }],
    washedAt: label === 'c' ? null : washedAt,
  }))
  if (first === undefined || second === undefined || third === undefined) return
  await postgres.transaction(async tx => {
    // Service roles make no tables, but for a session.
    await tx.execute(sql`create temp table glass (id uuid primary key, label text not null unique,
      holds_ml bigint not null, is_clean bool not null, tags text[] not null, scratches jsonb,
      washed_at timestamptz) on commit drop`)
    const read = async (ids: readonly string[]) =>
      tx.select().from(glass).where(isAnyOf(glass.id, ids)).orderBy(glass.label)
    const all = [first.id, second.id, third.id]

    t.same(await insertNewRows(tx, glass, [first, second]), new Set([first.id, second.id]))
    const another = { ...third, id: newId(), label: 'a' }
    t.same(
      await insertNewRows(tx, glass, [third, another]),
      new Set([third.id]),
      'one is in the way',
    )
    t.same(await insertNewRows(tx, glass, []), new Set())
    t.same(await read(all), [first, second, third])

    await updateRows(tx, glass, [
      { id: first.id, isClean: false, scratches: null, washedAt: null },
      { id: third.id, isClean: true, scratches: [], washedAt },
    ])
    t.same(
      await read(all),
      [
        { ...first, isClean: false, scratches: null, washedAt: null },
        second,
        { ...third, isClean: true, scratches: [], washedAt },
      ],
      'columns and rows that are not named stay as they are',
    )
    t.same(await read([]), [])
  })
})
