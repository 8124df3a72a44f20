-- What lets the reader of a mailbox choose a new password, once.
create table password_token (
  -- sha256 of the token in hex; the token itself exists in the mail only.
  hash text primary key,
  user_id uuid not null references account on delete cascade,
  expires_at timestamptz not null
);
create index password_token_user on password_token (user_id);
create index password_token_expiry on password_token (expires_at);

-- The list of accounts is sorted by id and searched by the beginning of address or name.
create index account_email_prefix on account (email text_pattern_ops);
create index account_name_prefix on account (lower(name) text_pattern_ops);
