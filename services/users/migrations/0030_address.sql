-- A row is one version of an address and never changes: orders hold its id, and what was on the parcel stays
-- readable. A change makes a new row; the old one leaves the list of its owner.
create table address (
  id uuid primary key,
  user_id uuid not null references account on delete cascade,
  name text not null,
  line1 text not null,
  line2 text not null,
  postal_code text not null,
  city text not null,
  region text not null,
  -- ISO 3166-1 alpha-2.
  country text not null check (country ~ '^[A-Z]{2}$'),
  created_at timestamptz not null,
  -- When it was changed or removed.
  left_at timestamptz
);
create index address_user on address (user_id, id desc) where left_at is null;
