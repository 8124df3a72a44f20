-- What `campus audit` may see of this service's own tables (platform/migrations/0003_audit.sql).
create view orders_audit.orders as
  select id, state, currency, total, captured, refunded, timer_at, placed_at, updated_at from orders;
