-- A payment of one thing by one person. Amounts are minor units of the row's currency.
create table intent (
  id uuid primary key,
  ref_type text not null check (ref_type in ('order', 'fine')),
  ref_id uuid not null,
  user_id uuid not null,
  amount bigint not null check (amount > 0),
  currency text not null,
  state text not null check (state in ('requires_payment', 'processing', 'requires_action',
    'authorized', 'capturing', 'captured', 'cancelled')),
  expires_at timestamptz not null,
  attempt_count int not null default 0 check (attempt_count between 0 and 3),
  attempts_left int not null check (attempts_left between 0 and 3),
  -- The last attempt, our reference at the provider.
  attempt_id uuid unique,
  decline_code text,
  challenge_id uuid,
  authorized bigint not null default 0,
  captured bigint not null default 0,
  refunded bigint not null default 0,
  captured_at timestamptz,
  capture_failure text,
  -- Why the money must go back: asked for by orders, or it came after the cancellation.
  return_cause text check (return_cause in ('requested', 'late')),
  returned_at timestamptz,
  -- The answer to a void request, given again when it is asked again: {outcome, cause}.
  voiding jsonb,
  correlation_id text not null,
  version int not null default 1,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  -- One intent per Ref, however often it is asked for.
  constraint intent_ref_key unique (ref_type, ref_id),
  -- P2.
  check (captured <= authorized and refunded <= captured)
);

-- Double-entry ledger. Debits are positive, credits negative.
create table ledger_transaction (
  id uuid primary key,
  kind text not null check (kind in ('capture', 'recognition', 'refund')),
  -- What was booked: the provider's capture or refund, the order. Nothing is booked twice (P2).
  source text not null unique,
  ref_type text not null,
  ref_id uuid not null,
  booked_at timestamptz not null
);
create index ledger_transaction_ref on ledger_transaction (ref_type, ref_id);
create table posting (
  transaction_id uuid not null references ledger_transaction,
  line_no int not null,
  account text not null,
  amount bigint not null check (amount <> 0),
  currency text not null,
  primary key (transaction_id, line_no)
);
create index posting_account on posting (account, currency) include (amount);

-- P1: at the commit every transaction sums to 0 in each currency.
create function check_balanced() returns trigger language plpgsql set search_path from current as $$
begin
  if exists (select from posting where transaction_id = new.transaction_id
      group by currency having sum(amount) <> 0) then
    raise exception 'ledger transaction % does not sum to 0', new.transaction_id
      using errcode = 'check_violation', constraint = 'posting_balanced';
  end if;
  return null;
end $$;
create constraint trigger posting_balanced after insert on posting
  deferrable initially deferred for each row execute function check_balanced();

-- What is booked stays: a mistake is corrected by another transaction.
create function refuse_change() returns trigger language plpgsql as $$
begin
  raise exception 'the ledger is immutable' using errcode = 'check_violation', constraint = 'ledger_immutable';
end $$;
create trigger ledger_transaction_immutable before update or delete or truncate on ledger_transaction
  for each statement execute function refuse_change();
create trigger posting_immutable before update or delete or truncate on posting
  for each statement execute function refuse_change();

-- Webhooks that were applied (P3).
create table webhook (
  id uuid primary key,
  received_at timestamptz not null
);
create index webhook_received on webhook (received_at);

-- The simulated payment provider. Nothing outside the slice psp reads its tables.
create table psp_payment (
  -- The merchant's reference, which makes every call idempotent.
  attempt_id uuid primary key,
  intent_id uuid not null,
  token text not null,
  amount bigint not null,
  currency text not null,
  state text not null check (state in
    ('pending', 'requires_action', 'authorized', 'declined', 'captured', 'voided', 'refunded')),
  decline_code text,
  challenge_id uuid unique,
  -- When a pending payment is authorised after all.
  settle_at timestamptz,
  capture_id uuid,
  captured bigint,
  captured_at timestamptz,
  is_capture_refused boolean not null default false,
  refund_id uuid,
  refund_attempts int not null default 0,
  created_at timestamptz not null
);
create index psp_payment_settle on psp_payment (settle_at) where state = 'pending';
-- Webhooks on their way; a delivered one is deleted. Several rows may carry the same webhook.
create table psp_delivery (
  id uuid primary key,
  body text not null,
  due_at timestamptz not null,
  attempts int not null default 0
);
create index psp_delivery_due on psp_delivery (due_at);
