-- Units of a refunded line that never left the warehouse are sold again; a later cancellation gives back
-- only the rest.
alter table reservation_line add column restocked int not null default 0
  check (0 <= restocked and restocked <= quantity);
-- What a movement answers: an order may give a variant back by several refunds, each of them once.
alter table movement add column cause_id uuid;
drop index movement_of_order;
create unique index movement_of_order on movement (order_id, variant_id, reason, coalesce(cause_id, order_id))
  where order_id is not null;
