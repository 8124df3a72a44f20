-- What users says of people, copied from campus.users.profiles. The only place here with names and
-- addresses: a tombstone empties the row and nothing fills it again.
create table profile_copy (
  user_id uuid primary key,
  email text,
  name text,
  locale text,
  version int not null,
  erased_at timestamptz,
  check (erased_at is null or (email is null and name is null and locale is null)),
  check (erased_at is not null or (email is not null and name is not null and locale is not null))
);

-- What somebody is told about one event. `message` holds facts, no personal data and no text: it is
-- rendered when it is read or sent, in the language of that moment.
create table notification (
  id uuid primary key,
  user_id uuid not null,
  category text not null,
  message jsonb not null,
  source_event_id uuid not null,
  source_type text not null,
  created_at timestamptz not null,
  read_at timestamptz,
  -- N1, together with the key of delivery: one event tells one person once on each channel.
  unique (source_event_id, user_id)
);
create index notification_of_user on notification (user_id, id desc);
create index notification_unread on notification (user_id, id desc) where read_at is null;
create index notification_read on notification (read_at) where read_at is not null;

-- How a notification reaches somebody outside of the product.
--   waiting    the profile with the address has not arrived yet
--   pending    an effect of kind `mail` has it
create table delivery (
  id uuid primary key,
  notification_id uuid not null references notification on delete cascade,
  user_id uuid not null,
  channel text not null check (channel in ('mail', 'webhook')),
  state text not null check (state in ('waiting', 'pending', 'sent', 'ambiguous', 'failed')),
  attempts int not null default 0,
  -- Later than this nobody wants to be told any more.
  expires_at timestamptz not null,
  created_at timestamptz not null,
  settled_at timestamptz,
  unique (notification_id, channel)
);
create index delivery_waiting on delivery (user_id) where state = 'waiting';
create index delivery_unsettled on delivery (state, expires_at) where state in ('waiting', 'ambiguous', 'failed');
