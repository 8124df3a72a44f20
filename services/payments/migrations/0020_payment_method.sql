-- A card that somebody pays with again: the provider's token for it, and what people recognise it by.
-- Never a card number (P4).
create table payment_method (
  id uuid primary key,
  user_id uuid not null,
  token text not null,
  brand text not null,
  last4 text not null check (last4 ~ '^[0-9]{4}$'),
  created_at timestamptz not null,
  removed_at timestamptz
);
create unique index payment_method_token on payment_method (user_id, token) where removed_at is null;
