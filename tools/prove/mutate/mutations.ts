/** One mechanism, broken: the proof is worth something only if a test notices. */
export interface Mutation {
  /** What is broken, in words. */
  readonly name: string
  readonly file: string
  /** Occurs exactly once in `file`. */
  readonly find: string
  readonly replace: string
  /** Test files of which at least one must fail. */
  readonly tests: readonly string[]
}

const events = 'platform/src/events'

/** The mechanisms that the guarantee of docs/events.md rests on. */
export const mutations: readonly Mutation[] = [
  {
    name: 'the inbox row is not written',
    file: `${events}/inbox.ts`,
    find: `      insert into inbox (event_id, consumer)
      select distinct id, \${consumer} from arrival where is_heard order by id
      on conflict do nothing returning event_id
    ), aggregate`,
    replace: `      select distinct id as event_id from arrival where is_heard
    ), aggregate`,
    tests: [`${events}/events.test.ts`],
  },
  {
    name: 'an event is published before its transaction commits',
    file: `${events}/outbox.ts`,
    find: `  onCommit(tx, () => outboxSignal.emit('committed'))`,
    replace: `  await tx.execute(sql\`commit and chain\`)
  onCommit(tx, () => outboxSignal.emit('committed'))`,
    tests: [`${events}/events.test.ts`],
  },
  {
    name: 'the relay settles lanes that it does not own any more',
    file: `${events}/relay.ts`,
    find: ' and l.owner = ${owner} and l.epoch = a.epoch',
    replace: '',
    tests: [`${events}/events.test.ts`],
  },
  {
    name: 'the relay deletes events whose send has failed',
    file: `${events}/relay.ts`,
    find: `        backOff.set(lane, { ms, untilMs: performance.now() + ms })
      }`,
    replace: `        backOff.set(lane, { ms, untilMs: performance.now() + ms })
      }
      return rows.map(({ row, epoch }) => ({ row, epoch, partition, offset: 0n }))`,
    tests: [`${events}/events.test.ts`],
  },
  {
    name: 'the offset is committed before the database',
    file: `${events}/group.ts`,
    find: `      const retries = await withHeartbeat(`,
    replace: `      await fetched.commit(parts)
      const retries = await withHeartbeat(`,
    tests: [`${events}/events.test.ts`],
  },
  {
    name: 'a missing version is not noticed',
    file: `${events}/order-guard.ts`,
    find: `return version <= seen ? 'late' : 'gap'`,
    replace: `return 'apply'`,
    tests: [`${events}/order-guard.test.ts`, `${events}/repair.test.ts`],
  },
  {
    name: 'events behind a parked one are applied',
    file: `${events}/order-guard.ts`,
    find: `if (blocked.has(key)) return 'behind'`,
    replace: ``,
    tests: [`${events}/repair.test.ts`],
  },
  {
    name: 'a key is released before its last event is applied',
    file: `${events}/redrive.ts`,
    find: `if ((await headOf(tx, key)) !== undefined) return 'more'`,
    replace: ``,
    tests: [`${events}/repair.test.ts`],
  },
  {
    name: 'killer events are attempted for ever',
    file: `${events}/solo.ts`,
    find: `if (attempts < attemptsMax) return undefined`,
    replace: `if (attempts < 1_000_000) return undefined`,
    tests: [`${events}/faults.test.ts`],
  },
  {
    name: 'two changes of one aggregate take their versions without its lock',
    file: `${events}/outbox.ts`,
    find: `on conflict (topic, aggregate_key) do update set version = v.version + excluded.version
      returning v.topic, v.aggregate_key, v.version`,
    replace: `on conflict (topic, aggregate_key) do nothing
      returning v.topic, v.aggregate_key, v.version`,
    tests: [`${events}/events.test.ts`],
  },
  {
    name: 'an order is changed without its row lock',
    file: 'services/orders/src/checkout/order.store.ts',
    find: `  const [row] = await tx.select().from(orders).where(eq(orders.id, id)).for('update')`,
    replace: `  const [row] = await tx.select().from(orders).where(eq(orders.id, id))`,
    tests: ['services/orders/src/aftermath.test.ts', 'services/orders/src/orders.test.ts'],
  },
  {
    name: 'orders are changed by events without their row locks',
    file: 'services/orders/src/checkout/order.store.ts',
    find: `    .orderBy(asc(orders.id))
    .for('update')`,
    replace: `    .orderBy(asc(orders.id))`,
    tests: ['services/orders/src/aftermath.test.ts', 'services/orders/src/orders.test.ts'],
  },
  {
    name: 'stock is taken without its row lock',
    file: 'services/catalog/src/stock/stock.store.ts',
    find: `    .orderBy(asc(stock.variantId))
    .for('update')`,
    replace: `    .orderBy(asc(stock.variantId))`,
    tests: ['services/catalog/src/stock/linearizability.test.ts'],
  },
  {
    name: 'stock is locked in no order',
    file: 'services/catalog/src/stock/stock.store.ts',
    find: `    .orderBy(asc(stock.variantId))`,
    replace: '    .orderBy(sql`random()`)',
    tests: ['services/catalog/src/catalog.test.ts'],
  },
  {
    name: 'an intent is changed without its row lock',
    file: 'services/payments/src/intents/intent.store.ts',
    find: `  const [row] = await tx.select().from(table).where(eq(table.id, id)).for('update')`,
    replace: `  const [row] = await tx.select().from(table).where(eq(table.id, id))`,
    tests: ['services/payments/src/payments.test.ts', 'services/payments/src/refunds.test.ts'],
  },
  {
    name: 'what is written together is written after the commit',
    file: 'platform/src/data/postgres.ts',
    find: `      await writeCollected(tx, waiting)
      await client.query('commit')`,
    replace: `      await client.query('commit')
      await writeCollected(tx, waiting)`,
    tests: ['platform/src/data/postgres.test.ts', `${events}/events.test.ts`],
  },
  {
    name: 'a mail whose outcome is unknown is sent again',
    file: `${events}/effects.ts`,
    find: `if (!isCertain && kind.onUnknown === 'ask') {`,
    replace: `if (isCertain && kind.onUnknown === 'ask') {`,
    tests: [`${events}/effects.test.ts`],
  },
]
