-- What buyers give back. The lock of the order serialises whatever is decided about its returns (O6).
create table order_return (
  id uuid primary key,
  order_id uuid not null references orders on delete cascade,
  state text not null check (state in
    ('requested', 'approved', 'received', 'refunding', 'closed', 'rejected')),
  reason text not null,
  rejection text,
  -- What the buyer wants to give back: [{lineNo, quantity}]
  lines jsonb not null,
  -- What has arrived: [{lineNo, quantity, restock}]
  received jsonb not null default '[]',
  refund_id uuid unique,
  refund_amount bigint check (refund_amount >= 0),
  requested_at timestamptz not null,
  decided_at timestamptz,
  received_at timestamptz,
  closed_at timestamptz,
  check ((state = 'closed') = (closed_at is not null)),
  check (state not in ('refunding', 'closed') or refund_amount is not null)
);
create index order_return_of_order on order_return (order_id, id desc);
create index order_return_in_state on order_return (state, id desc);

-- What happened to an order, in the words that clients are shown; ids grow with time under the order's lock.
create table timeline_entry (
  id bigint generated always as identity primary key,
  order_id uuid not null references orders on delete cascade,
  code text not null,
  at timestamptz not null,
  data jsonb not null
);
create index timeline_entry_of_order on timeline_entry (order_id, id);

-- Orders from before: what their rows still tell, in its order.
insert into timeline_entry (order_id, code, at, data)
select order_id, code, at, data from (
  select id as order_id, 0 as rank, 'order_placed' as code, placed_at as at,
    jsonb_build_object('amount', jsonb_build_object('amount', total, 'currency', currency)) as data
  from orders
  union all
  select id, 1, 'order_confirmed', confirmed_at, '{}' from orders where confirmed_at is not null
  union all
  select order_id, 2, 'order_shipped', shipped_at,
    jsonb_build_object('fulfillmentId', id, 'lines', lines) from fulfillment
  union all
  select order_id, 3, 'order_delivered', delivered_at,
    jsonb_build_object('fulfillmentId', id, 'lines', lines)
  from fulfillment where delivered_at is not null
  union all
  select id, 4, 'order_' || state, updated_at, '{}' from orders where state in ('completed', 'cancelled')
) as past
order by at, rank;

-- When the latest unit of a line arrived: from then on it may be given back for some days.
update orders set progress = (
  select jsonb_agg(line || jsonb_build_object('deliveredAt',
    case when (line->>'delivered')::int = 0 then null
    else to_char(coalesce(
      (select max(delivered_at) from fulfillment f
        where f.order_id = orders.id and f.lines @> jsonb_build_array(
          jsonb_build_object('lineNo', (line->>'lineNo')::int))),
      confirmed_at) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') end) order by position)
  from jsonb_array_elements(progress) with ordinality as lines(line, position));
