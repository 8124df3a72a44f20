-- What `campus audit` may see of this service's own tables (platform/migrations/0003_audit.sql).
create view catalog_audit.stock as select variant_id, on_hand, reserved from stock;
create view catalog_audit.movement as select variant_id, delta, order_id, at from movement;
create view catalog_audit.reservation as select id, order_id, state, updated_at from reservation;
create view catalog_audit.reservation_line as
  select reservation_id, variant_id, quantity, tracked from reservation_line;
