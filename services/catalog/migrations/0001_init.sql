create table category (
  id uuid primary key,
  parent_id uuid references category,
  name text not null,
  slug text not null unique,
  position int not null default 0,
  version int not null default 1,
  check (id <> parent_id)
);

create table product (
  id uuid primary key,
  slug text not null unique,
  title text not null,
  description text not null default '',
  kind text not null check (kind in ('physical', 'course')),
  category_id uuid references category,
  seller_id uuid,
  state text not null check (state in ('draft', 'published', 'archived')),
  version int not null default 1,
  created_at timestamptz not null,
  updated_at timestamptz not null
);
create index product_shelf on product (id desc) where state = 'published';
create index product_category on product (category_id, id desc) where state = 'published';
create index product_title on product using gin (title gin_trgm_ops) where state = 'published';

create table variant (
  id uuid primary key,
  product_id uuid not null references product,
  sku text not null unique,
  label text not null,
  -- Only tracked variants have stock; access to a course never runs out.
  tracked boolean not null,
  course_id uuid,
  position int not null default 0
);
create index variant_product on variant (product_id, position);

-- Price intervals of a variant and currency do not overlap (C6).
create table price (
  id uuid primary key,
  variant_id uuid not null references variant,
  amount bigint not null check (amount >= 0),
  currency text not null check (currency ~ '^[A-Z]{3}$'),
  valid_from timestamptz not null,
  valid_to timestamptz check (valid_to > valid_from),
  constraint price_no_overlap exclude using gist (
    variant_id with =, currency with =, tstzrange(valid_from, valid_to) with &&)
);
create index price_variant on price (variant_id, valid_from desc);

-- C1: what is promised is there.
create table stock (
  variant_id uuid primary key references variant,
  on_hand int not null default 0,
  reserved int not null default 0,
  constraint stock_is_covered check (0 <= reserved and reserved <= on_hand)
) with (fillfactor = 70);

-- C2: on_hand is the sum of the deltas.
create table movement (
  id uuid primary key,
  variant_id uuid not null references variant,
  delta int not null check (delta <> 0),
  on_hand_after int not null,
  reason text not null check (reason in ('count', 'damage', 'delivery', 'sale', 'cancellation', 'return')),
  order_id uuid,
  actor text not null,
  at timestamptz not null
);
create index movement_variant on movement (variant_id, id desc);
-- An order sells a variant once and gives it back once.
create unique index movement_of_order on movement (order_id, variant_id, reason) where order_id is not null;

-- C3: one reservation an order. A release that comes before its order leaves a row without lines, so
-- that the order cannot hold stock afterwards.
create table reservation (
  id uuid primary key,
  order_id uuid not null unique,
  state text not null check (state in ('held', 'committed', 'returned', 'released', 'expired', 'rejected')),
  expires_at timestamptz not null,
  -- Why a rejected one was rejected, to answer the same again.
  rejection jsonb,
  updated_at timestamptz not null
);
create index reservation_due on reservation (expires_at) where state = 'held';
create table reservation_line (
  reservation_id uuid not null references reservation,
  line_no int not null,
  variant_id uuid not null,
  quantity int not null check (quantity > 0),
  -- A line without stock, e.g. a course, is part of the answer but holds nothing.
  tracked boolean not null,
  primary key (reservation_id, line_no)
);
