-- When the profiles on the topic were last compared with the accounts: of all replicas one does it.
create table profile_check (
  is_only boolean primary key default true check (is_only),
  begun_at timestamptz not null
);
insert into profile_check (begun_at) values ('-infinity');
