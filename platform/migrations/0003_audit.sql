-- What `campus audit` may see of the tables that every service has: no names, no addresses, no payloads.
-- The views read with the rights of their owner, so the role of the audit sees nothing else
-- (docs/operations.md). A service adds views of its own.
do $$
declare
  audit text := current_schema() || '_audit';
begin
  execute format('create view %I.outbox as
    select seq, topic, aggregate_key, aggregate_version, created_at from outbox', audit);
  execute format('create view %I.outbox_archive as
    select event_id, topic, aggregate_key, aggregate_version, created_at, published_at
    from outbox_archive', audit);
  execute format('create view %I.aggregate_version as
    select topic, aggregate_key, version from aggregate_version', audit);
  execute format('create view %I.seen_version as
    select consumer, topic, aggregate_key, version, at from seen_version', audit);
  execute format('create view %I.parked_key as
    select consumer, topic, aggregate_key, since, acknowledged_by is not null as is_acknowledged
    from parked_key', audit);
  execute format('create view %I.effect as
    select id, kind, state, next_at, created_at, updated_at from effect', audit);
end $$;
