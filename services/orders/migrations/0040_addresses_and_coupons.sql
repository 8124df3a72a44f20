-- Whose address an id names, as users tells: checkout takes only one of the buyer's own. The address itself
-- stays with users.
create table known_address (
  address_id uuid primary key,
  user_id uuid not null,
  -- Cannot be chosen any more; the orders that name it keep it.
  is_removed boolean not null
);

-- The code that took something off, as the buyer typed it; the promotion may change later.
alter table orders add column coupon text;

-- For the check of coupons (I12).
create view orders_audit.promotion as select id, used_count, usage_limit from promotion;
create view orders_audit.redemption as
  select order_id, promotion_id, returned_at is not null as is_returned from redemption;
