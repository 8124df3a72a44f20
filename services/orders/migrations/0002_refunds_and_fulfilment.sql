-- Per-line progress and refunds are part of the saga: they are decided about together, under one lock.
alter table orders
  -- [{lineNo, kind, courseId, quantity, totalMinor, shipped, delivered}]
  add column progress jsonb,
  -- [{id, returnId, state, cause, reason, lines: [{lineNo, quantity, amountMinor, restockCount}], askedAt}]
  add column refunds jsonb not null default '[]',
  add column captured bigint not null default 0,
  -- Back, and back or on its way.
  add column refunded bigint not null default 0,
  add column refund_asked bigint not null default 0,
  add column note text,
  -- Since when somebody should look at it.
  add column stuck_at timestamptz,
  -- The last happenings, also those that changed nothing.
  add column happenings jsonb not null default '[]';
update orders set
  captured = case when state in ('confirmed', 'completed') then total else 0 end,
  progress = (
    select jsonb_agg(jsonb_build_object(
      'lineNo', line_no, 'kind', kind, 'courseId', course_id, 'quantity', quantity,
      'totalMinor', total, 'shipped', 0, 'delivered', 0) order by line_no)
    from order_line where order_id = orders.id);
alter table orders
  alter column progress set not null,
  -- O6.
  add constraint orders_refunds_covered check (
    0 <= refunded and refunded <= captured and refund_asked <= captured);
create index orders_stuck on orders (id desc) where stuck_at is not null;

create table fulfillment (
  id uuid primary key,
  order_id uuid not null references orders on delete cascade,
  -- [{lineNo, quantity}]
  lines jsonb not null,
  tracking_code text,
  shipped_at timestamptz not null,
  delivered_at timestamptz
);
create index fulfillment_of_order on fulfillment (order_id);
