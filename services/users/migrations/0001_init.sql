-- U1: one account per normalised address.
create table account (
  id uuid primary key,
  email text not null unique,
  name text not null,
  locale text not null,
  -- PHC string of argon2id; the plain password is never stored.
  password_hash text not null,
  roles text[] not null check (roles <@ array['student', 'instructor', 'librarian', 'admin']),
  state text not null check (state in ('unverified', 'active', 'suspended', 'erasing', 'erased')),
  version int not null default 1,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  verified_at timestamptz,
  -- Whoever has not shown that the address is theirs may do nothing.
  check (state <> 'unverified' or roles = '{}')
);
create index account_admin on account (id) where 'admin' = any (roles);

-- What a secret mail lets its reader do. Each row carries the credentials of the registration that
-- asked for the mail, because several people may try to register one address.
create table email_token (
  -- sha256 of the token in hex; the token itself exists in the mail only.
  hash text primary key,
  user_id uuid not null references account on delete cascade,
  password_hash text not null,
  name text not null,
  locale text not null,
  created_at timestamptz not null,
  expires_at timestamptz not null
);
create index email_token_user on email_token (user_id, created_at);
create index email_token_expiry on email_token (expires_at);

-- A session is a family of refresh tokens: one login on one device.
create table session (
  sid uuid primary key,
  user_id uuid not null references account on delete cascade,
  kind text not null check (kind in ('browser', 'mobile', 'cli')),
  state text not null check (state in ('live', 'revoked', 'expired')),
  opened_at timestamptz not null,
  expires_at timestamptz not null,
  ended_at timestamptz,
  check ((state = 'live') = (ended_at is null))
);
create index session_live on session (user_id) where state = 'live';
create index session_expiry on session (expires_at) where state = 'live';
create index session_ended on session (ended_at) where state <> 'live';

create table refresh_token (
  -- The token is derived from this id and a key outside of the database.
  id uuid primary key,
  -- sha256 of the token in hex.
  hash text not null unique,
  sid uuid not null references session on delete cascade,
  created_at timestamptz not null,
  used_at timestamptz,
  successor_id uuid unique,
  check ((used_at is null) = (successor_id is null))
);
-- U2: a family has at most one token that was not used yet.
create unique index refresh_token_unused on refresh_token (sid) where used_at is null;

create table signing_key (
  kid text primary key,
  -- PKCS #8 in PEM, sealed by AES-256-GCM with a key outside of the database.
  private_key_sealed text not null,
  public_key text not null,
  created_at timestamptz not null,
  -- A key is shown before it signs and after it has stopped, so that no verifier meets an unknown one.
  signs_from timestamptz not null,
  signs_until timestamptz,
  shown_until timestamptz
);
