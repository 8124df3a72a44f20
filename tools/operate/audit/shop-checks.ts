import { sql } from 'drizzle-orm'
import { type Check, queryCheck } from './check.ts'

const minute = 60

/** Money, stock and orders agree. Amounts are minor units. */
export const shopChecks: readonly Check[] = [
  queryCheck({
    id: 'I1',
    mustHold: 'the ledger sums to 0, and its cash is what was captured and not refunded',
    settleSeconds: 0,
    query: () => sql`
      select 'currency' as what, currency as id, sum(amount)::text as difference
      from payments_audit.posting group by currency having sum(amount) <> 0
      union all
      select 'transaction', transaction_id::text, sum(amount)::text
      from payments_audit.posting group by transaction_id, currency having sum(amount) <> 0
      union all
      select 'cash', currency, (coalesce(booked, 0) - coalesce(held, 0))::text
      from (select currency, sum(amount) as booked from payments_audit.posting
          where account = 'cash' group by currency) p
        full join (select currency, sum(captured - refunded) as held from payments_audit.intent
          group by currency) i using (currency)
      where coalesce(booked, 0) <> coalesce(held, 0)`,
  }),
  queryCheck({
    id: 'I2',
    mustHold: 'captured money belongs to a live order',
    settleSeconds: 15 * minute,
    query: settled => sql`
      select i.ref_id as id, i.state, (i.captured - i.refunded) as kept, o.state as order_state
      from payments_audit.intent i left join orders_audit.orders o on o.id = i.ref_id
      where i.ref_type = 'order' and i.captured > i.refunded and i.updated_at < ${settled}
        and (o.id is null or o.state not in ('capturing', 'confirmed', 'completed'))
        and (o.id is null or o.updated_at < ${settled})`,
  }),
  queryCheck({
    id: 'I3',
    mustHold: 'a held reservation belongs to an unfinished order, and a cancelled order holds none',
    settleSeconds: 2 * minute,
    query: settled => sql`
      select r.order_id as id, r.state as reservation, o.state as order_state
      from catalog_audit.reservation r left join orders_audit.orders o on o.id = r.order_id
      where r.updated_at < ${settled} and (o.id is null or o.updated_at < ${settled})
        and ((r.state = 'held' and (o.id is null or o.state in ('confirmed', 'completed', 'cancelled')))
          or (r.state = 'committed' and o.state = 'cancelled'))`,
  }),
  queryCheck({
    id: 'I9',
    mustHold: 'stock on hand is the sum of its movements, reserved stock that of the held lines',
    settleSeconds: 0,
    query: () => sql`
      select s.variant_id as id, s.on_hand, coalesce(m.total, 0)::int as moved, s.reserved,
        coalesce(h.total, 0)::int as held
      from catalog_audit.stock s
      left join (select variant_id, sum(delta) as total from catalog_audit.movement
        group by variant_id) m using (variant_id)
      left join (
        select l.variant_id, sum(l.quantity) as total from catalog_audit.reservation_line l
        join catalog_audit.reservation r on r.id = l.reservation_id
        where r.state = 'held' and l.tracked group by l.variant_id) h using (variant_id)
      where s.on_hand <> coalesce(m.total, 0) or s.reserved <> coalesce(h.total, 0)`,
  }),
  queryCheck({
    id: 'I10',
    mustHold: 'a cancelled order has its money back, a confirmed one is paid but for its refunds',
    settleSeconds: 5 * minute,
    query: settled => sql`
      select o.id, o.state, o.total, o.refunded, coalesce(i.captured, 0) as captured,
        coalesce(i.refunded, 0) as returned
      from orders_audit.orders o
      left join payments_audit.intent i on i.ref_type = 'order' and i.ref_id = o.id
      where o.updated_at < ${settled} and (i.ref_id is null or i.updated_at < ${settled})
        and ((o.state = 'cancelled' and coalesce(i.captured, 0) <> coalesce(i.refunded, 0))
          or (o.state in ('confirmed', 'completed')
            and coalesce(i.captured, 0) - coalesce(i.refunded, 0) <> o.total - o.refunded))`,
  }),
  queryCheck({
    id: 'I12',
    mustHold: 'a coupon was used as often as living orders have it, and no more often than it may',
    settleSeconds: 0,
    query: () => sql`
      select 'count' as what, p.id, p.used_count, p.usage_limit, count(r.order_id)::int as standing
      from orders_audit.promotion p
      left join orders_audit.redemption r on r.promotion_id = p.id and not r.is_returned
      group by p.id, p.used_count, p.usage_limit
      having p.used_count <> count(r.order_id) or p.used_count > p.usage_limit
      union all
      select 'order', r.order_id, null, null, null
      from orders_audit.redemption r left join orders_audit.orders o on o.id = r.order_id
      where (o.id is null) or (o.state = 'cancelled' and not r.is_returned)
        or (o.state in ('confirmed', 'completed') and r.is_returned)`,
  }),
]
