-- What `campus audit` may see of this service's own tables (platform/migrations/0003_audit.sql).
create view payments_audit.intent as
  select id, ref_type, ref_id, state, currency, authorized, captured, refunded, updated_at from intent;
create view payments_audit.posting as
  select transaction_id, account, amount, currency from posting;
