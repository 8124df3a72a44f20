-- What coupons take off. The row's lock is what serialises their uses.
create table promotion (
  id uuid primary key,
  code text not null check (code ~ '^[A-Z0-9][A-Z0-9_-]{2,31}$'),
  name text not null,
  -- {kind: percent, percent} or {kind: amount, amount: {amount, currency}}
  action jsonb not null,
  -- {minimumGoods?: {amount, currency}, variantIds?: [uuid]}
  conditions jsonb not null,
  usage_limit int check (usage_limit > 0),
  per_customer int check (per_customer > 0),
  -- Redemptions that were not given back.
  used_count int not null default 0,
  starts_at timestamptz,
  ends_at timestamptz,
  version int not null default 1,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  constraint promotion_code_key unique (code),
  -- O5, whatever the code above does.
  constraint promotion_within_limit check (
    used_count >= 0 and (usage_limit is null or used_count <= usage_limit))
);

-- Which order has used which promotion: one each.
create table redemption (
  order_id uuid primary key references orders on delete cascade,
  promotion_id uuid not null references promotion,
  user_id uuid not null,
  redeemed_at timestamptz not null,
  -- When the order was cancelled, which gives the use back.
  returned_at timestamptz
);
create index redemption_of_customer on redemption (promotion_id, user_id) where returned_at is null;

-- The code, in capital letters; whether it holds is decided whenever the cart is priced.
alter table cart add column coupon text;
