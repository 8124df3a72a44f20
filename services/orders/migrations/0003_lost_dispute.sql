-- {id, amountMinor}: what the bank took, while refunds without an answer may still be part of it.
alter table orders add column lost_dispute jsonb;
