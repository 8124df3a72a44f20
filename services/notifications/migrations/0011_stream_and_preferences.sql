-- What people do not want to be told, and where: `<category>:<channel>`. What is not here is on.
create table preference (
  user_id uuid primary key,
  -- Raised by each change; the ETag.
  version int not null,
  switched_off text[] not null,
  -- N2: news of security cannot be switched off, whoever asks.
  check (not switched_off && array['security:mail', 'security:in_app'])
);

-- Counts the changes of somebody's list. It is raised before the list is changed, and its row lock
-- makes the order of the numbers the order of the commits: whoever has seen n has seen all below n.
create table inbox_version (
  user_id uuid primary key,
  version int not null
);

-- `seq` is the version of the list that brought the notification; streams resume after it. It is null
-- for what is not listed, and for what a replica of the release before writes during an upgrade.
alter table notification add column seq int;
-- False when its owner wants it by mail only. Such a row counts as read.
alter table notification add column is_listed boolean not null default true;

update notification n set seq = numbered.seq
from (select id, row_number() over (partition by user_id order by id) as seq from notification) numbered
where numbered.id = n.id;
insert into inbox_version (user_id, version)
  select user_id, max(seq) from notification group by user_id;
create unique index notification_seq on notification (user_id, seq);

--   suppressed  its recipient does not want it
alter table delivery drop constraint delivery_state_check;
alter table delivery add constraint delivery_state_check
  check (state in ('waiting', 'pending', 'sent', 'ambiguous', 'failed', 'suppressed'));

-- Whose an order or a payment is: most of their events do not say.
create table subject_owner (
  type text not null check (type in ('order', 'intent')),
  id uuid not null,
  user_id uuid not null,
  created_at timestamptz not null,
  primary key (type, id)
);
create index subject_owner_age on subject_owner (created_at);
insert into subject_owner (type, id, user_id, created_at)
  select 'order', (message->>'orderId')::uuid, user_id, created_at
  from notification where message->>'orderId' is not null
  on conflict do nothing;
