-- What an operator asks of the parking place and of consumers. Design: docs/events.md.

-- A key is retried by the service that parked it, as soon as somebody asks for it here.
alter table parked_key
  add column retry_requested_at timestamptz,
  add column retry_requested_by text,
  -- Whoever retries has decided that the missing version will never come.
  add column accept_gap boolean not null default false;

alter table parked_event
  add column settled_at timestamptz,
  add column settled_by text,
  add column settle_reason text;

-- A consumer that parked too much, or is too late, stops until an operator lets it go on.
alter table consumer_state
  add column stopped_at timestamptz,
  add column stop_reason text;
