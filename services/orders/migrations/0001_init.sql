-- What catalog says of variants and prices, copied from campus.catalog so that a cart is priced
-- without asking anybody. Rows may arrive in any order between a product and its prices.
create table product (
  product_id uuid primary key,
  is_published boolean not null,
  source_version int not null
);
create table variant (
  variant_id uuid primary key,
  product_id uuid not null,
  sku text not null,
  label text not null,
  kind text not null check (kind in ('physical', 'course')),
  course_id uuid,
  seller_id uuid,
  source_version int not null
);
create table price (
  price_id uuid primary key,
  variant_id uuid not null,
  amount bigint not null check (amount >= 0),
  currency text not null,
  valid_from timestamptz not null,
  valid_to timestamptz,
  source_version int not null
);
create index price_variant on price (variant_id, valid_from desc);

create table cart (
  id uuid primary key,
  user_id uuid,
  -- sha256 of the token that a guest holds; a cart has an owner or a token, never both.
  token_hash text,
  state text not null check (state in ('open', 'checked_out', 'merged', 'abandoned')),
  version int not null default 1,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  check ((user_id is null) <> (token_hash is null))
);
create unique index cart_open_of_user on cart (user_id) where state = 'open' and user_id is not null;
create index cart_idle on cart (updated_at) where state = 'open';
create table cart_line (
  cart_id uuid not null references cart on delete cascade,
  variant_id uuid not null,
  quantity int not null check (quantity between 1 and 1000),
  position int not null,
  primary key (cart_id, variant_id)
);

create table orders (
  id uuid primary key,
  -- One cart gives at most one order, whatever the retries (O2).
  cart_id uuid not null unique,
  user_id uuid not null,
  address_id uuid,
  payment_method_id uuid,
  state text not null check (state in
    ('placed', 'awaiting_payment', 'committing', 'capturing', 'confirmed', 'cancelling', 'completed', 'cancelled')),
  reason text,
  -- Who asked for the cancellation: {type, id}.
  cancelled_by jsonb,
  stock_done boolean not null default false,
  money_done boolean not null default false,
  intent_id uuid,
  decline_code text,
  attempts_left int,
  -- The one timer of the saga; null when nothing is waited for.
  timer_at timestamptz,
  -- Since when the present step has been asked for, for the steps that ask again.
  asked_at timestamptz not null,
  currency text not null,
  goods bigint not null,
  discount bigint not null,
  tax bigint not null,
  shipping bigint not null,
  total bigint not null check (total = goods - discount + tax + shipping and total >= 0),
  version int not null default 1,
  placed_at timestamptz not null,
  confirmed_at timestamptz,
  updated_at timestamptz not null,
  -- The story's first request, so that a timer continues it.
  correlation_id text not null
);
create index orders_of_user on orders (user_id, id desc);
create index orders_timer on orders (timer_at) where timer_at is not null;
create table order_line (
  order_id uuid not null references orders on delete cascade,
  line_no int not null,
  variant_id uuid not null,
  price_id uuid not null,
  kind text not null check (kind in ('physical', 'course')),
  course_id uuid,
  seller_id uuid,
  title text not null,
  quantity int not null check (quantity > 0),
  unit_price bigint not null,
  discount bigint not null,
  tax bigint not null,
  total bigint not null check (total = unit_price * quantity - discount + tax),
  primary key (order_id, line_no)
);
