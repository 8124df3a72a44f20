alter table intent
  -- When the order was confirmed: money without that is an orphan (P5).
  add column confirmed_at timestamptz,
  -- {id, amountMinor, state}
  add column dispute jsonb,
  drop constraint intent_return_cause_check,
  add constraint intent_return_cause_check check (return_cause in ('requested', 'late', 'orphaned'));
-- Money of orders that were confirmed before this column existed is no orphan.
update intent set confirmed_at = updated_at where captured > 0 and ref_type = 'order';
create index intent_orphan on intent (captured_at)
  where ref_type = 'order' and captured > refunded and confirmed_at is null and return_cause is null;

-- Money on its way back, or back. The id is the provider's idempotency key.
create table refund (
  id uuid primary key,
  intent_id uuid not null references intent,
  amount bigint not null check (amount > 0),
  -- Asked for by an order or by staff, or the rest of a payment that is given back as a whole.
  kind text not null check (kind in ('asked', 'rest')),
  state text not null check (state in ('pending', 'succeeded', 'failed')),
  code text,
  attempts int not null default 0,
  next_at timestamptz not null,
  created_at timestamptz not null
);
create index refund_of_intent on refund (intent_id);
create index refund_due on refund (next_at) where state = 'pending';
-- Refunds under way that an earlier release asked for.
insert into refund (id, intent_id, amount, kind, state, next_at, created_at)
  select gen_random_uuid(), id, captured - refunded, 'rest', 'pending', now(), now()
  from intent where return_cause is not null and captured > refunded;

alter table ledger_transaction
  drop constraint ledger_transaction_kind_check,
  add constraint ledger_transaction_kind_check
    check (kind in ('capture', 'recognition', 'refund', 'dispute'));

alter table psp_payment
  -- [{refundId, amount}]
  add column refunds jsonb not null default '[]',
  add column dispute_id uuid,
  add column dispute_state text check (dispute_state in ('open', 'lost')),
  -- When the dispute opens, and then when it is lost.
  add column dispute_at timestamptz;
update psp_payment set refunds = jsonb_build_array(jsonb_build_object('refundId', refund_id, 'amount', captured))
  where refund_id is not null;
alter table psp_payment drop column refund_id;
create index psp_payment_dispute on psp_payment (dispute_at) where dispute_at is not null;
