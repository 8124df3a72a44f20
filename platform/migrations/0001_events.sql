-- The event tables that every service has in its own schema. Design: docs/events.md.

-- A row here is an event that is not published yet; the relay deletes it once Kafka has it.
-- The sequence keeps its cache of 1: seq order must be insert order across sessions.
create table outbox (
  seq bigserial primary key,
  event_id uuid not null unique,
  topic text not null,
  lane smallint not null,
  aggregate_key text not null,
  aggregate_version int not null,
  type text not null,
  payload jsonb,
  headers jsonb not null,
  created_at timestamptz not null default clock_timestamp(),
  unique (topic, aggregate_key, aggregate_version)
) with (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 1000);
create index outbox_lane_seq on outbox (lane, seq);

create table outbox_archive (
  seq bigint not null,
  event_id uuid not null,
  topic text not null,
  lane smallint not null,
  aggregate_key text not null,
  aggregate_version int not null,
  type text not null,
  payload jsonb,
  headers jsonb not null,
  created_at timestamptz not null,
  published_at timestamptz not null,
  partition int not null,
  record_offset bigint not null
) partition by range (created_at);
create table outbox_archive_default partition of outbox_archive default;
create index outbox_archive_event on outbox_archive (event_id);
create index outbox_archive_key on outbox_archive (aggregate_key, aggregate_version);

-- The version of each aggregate that has emitted: locking its row makes seq order commit order.
create table aggregate_version (
  topic text not null,
  aggregate_key text not null,
  version int not null,
  primary key (topic, aggregate_key)
) with (fillfactor = 70);

create table outbox_lane (
  lane smallint primary key,
  owner text,
  epoch bigint not null default 0,
  lease_until timestamptz not null
);
insert into outbox_lane (lane, lease_until) select lane, '-infinity' from generate_series(0, 11) lane;
create table relay_replica (
  owner text primary key,
  alive_until timestamptz not null
);

-- UUIDv7 sorts by time: partitions by event_id give a global unique key and clean-up by drop.
create table inbox (
  event_id uuid not null,
  consumer text not null,
  processed_at timestamptz not null default now(),
  primary key (event_id, consumer)
) partition by range (event_id);
create table inbox_default partition of inbox default;

create table seen_version (
  consumer text not null,
  topic text not null,
  aggregate_key text not null,
  version int not null,
  at timestamptz not null default now(),
  primary key (consumer, topic, aggregate_key)
) with (fillfactor = 70);

create table parked_key (
  consumer text not null,
  topic text not null,
  aggregate_key text not null,
  since timestamptz not null default now(),
  acknowledged_by text,
  primary key (consumer, topic, aggregate_key)
);
create table parked_event (
  id uuid primary key,
  consumer text not null,
  event_id uuid,
  aggregate_key text not null,
  aggregate_version int,
  topic text not null,
  partition int not null,
  record_offset bigint not null,
  type text,
  payload bytea,
  headers jsonb not null,
  error_class text not null,
  error text not null,
  stack text,
  attempts int not null default 0,
  replay_count int not null default 0,
  status text not null default 'parked' check (status in ('parked', 'retried', 'discarded')),
  parked_at timestamptz not null default now(),
  unique (consumer, topic, partition, record_offset)
);
create index parked_event_key on parked_event (consumer, topic, aggregate_key, record_offset)
  where status = 'parked';

create table effect (
  id uuid primary key,
  kind text not null,
  dedupe_key text not null unique,
  payload jsonb not null,
  attempts int not null default 0,
  next_at timestamptz not null default now(),
  run_id uuid,
  state text not null check (state in ('pending', 'sending', 'sent', 'ambiguous', 'failed', 'suppressed')),
  error text,
  headers jsonb not null default '{}',
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create index effect_due on effect (next_at) where state in ('pending', 'sending');

create table consumer_state (
  consumer text primary key,
  born_at jsonb,
  bootstrapped_at timestamptz,
  paused_until timestamptz
);
create table consumer_assignment (
  consumer_group text not null,
  topic text not null,
  partition int not null,
  first_offset bigint not null,
  times int not null,
  primary key (consumer_group, topic, partition)
);
create table solo_attempt (
  consumer text not null,
  event_id uuid not null,
  attempts int not null,
  primary key (consumer, event_id)
);

create table idempotency_key (
  subject text not null,
  operation text not null,
  key text not null,
  body_hash text not null,
  status int not null,
  headers jsonb not null default '{}',
  body text,
  created_at timestamptz not null default now(),
  primary key (subject, operation, key)
);
create index idempotency_key_age on idempotency_key (created_at);

-- The smallest UUIDv7 of a moment, the bound of an inbox partition.
create function uuid_floor(moment timestamptz) returns uuid
  language sql immutable strict
  return (lpad(to_hex((extract(epoch from moment) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid;

-- Creates the partitions of the present and the next period and drops those past their retention.
-- It runs with the rights of the owner, because a service's own role may not change tables.
create function keep_event_partitions(inbox_days int, archive_days int) returns void
  language plpgsql security definer set search_path from current as $$
declare
  start timestamptz;
  part record;
begin
  perform pg_advisory_xact_lock(hashtext(current_schema() || '.keep_event_partitions'));
  for step in -1 .. 1 loop
    start := date_trunc('week', now(), 'UTC') + make_interval(weeks => step);
    if to_regclass('inbox_' || to_char(start, 'YYYYMMDD')) is null
      and not exists (select from inbox_default
        where event_id >= uuid_floor(start) and event_id < uuid_floor(start + interval '7 days')) then
      execute format('create table %I partition of inbox for values from (%L) to (%L)',
        'inbox_' || to_char(start, 'YYYYMMDD'), uuid_floor(start), uuid_floor(start + interval '7 days'));
    end if;
  end loop;
  for step in 0 .. 2 loop
    start := date_trunc('day', now(), 'UTC') + make_interval(days => step);
    if to_regclass('outbox_archive_' || to_char(start, 'YYYYMMDD')) is null
      and not exists (select from outbox_archive_default
        where created_at >= start and created_at < start + interval '1 day') then
      execute format('create table %I partition of outbox_archive for values from (%L) to (%L)',
        'outbox_archive_' || to_char(start, 'YYYYMMDD'), start, start + interval '1 day');
    end if;
  end loop;
  for part in
    select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid
    where i.inhparent in ('inbox'::regclass, 'outbox_archive'::regclass) and c.relname ~ '_\d{8}$'
      and to_date(right(c.relname, 8), 'YYYYMMDD') + 7 < now()
        - make_interval(days => case when c.relname like 'inbox%' then inbox_days else archive_days end)
  loop
    execute format('drop table %I', part.relname);
  end loop;
end $$;
