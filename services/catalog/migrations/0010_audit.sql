-- What `campus audit` may see of this service: no names, no addresses, no payloads. The views read with
-- the rights of their owner, so the role of the audit sees nothing else (docs/operations.md).
create view catalog_audit.outbox as
  select seq, topic, aggregate_key, aggregate_version, created_at from outbox;
create view catalog_audit.outbox_archive as
  select event_id, topic, aggregate_key, aggregate_version, created_at, published_at from outbox_archive;
create view catalog_audit.aggregate_version as
  select topic, aggregate_key, version from aggregate_version;
create view catalog_audit.seen_version as
  select consumer, topic, aggregate_key, version, at from seen_version;
create view catalog_audit.parked_key as
  select consumer, topic, aggregate_key, since, acknowledged_by is not null as is_acknowledged
  from parked_key;
create view catalog_audit.effect as
  select id, kind, state, next_at, created_at, updated_at from effect;

create view catalog_audit.stock as select variant_id, on_hand, reserved from stock;
create view catalog_audit.movement as select variant_id, delta, order_id, at from movement;
create view catalog_audit.reservation as select id, order_id, state, updated_at from reservation;
create view catalog_audit.reservation_line as
  select reservation_id, variant_id, quantity, tracked from reservation_line;
