-- Since when the exchange with a partner is stopped, until an operator confirms it (microseconds; null: it goes on).
alter table partner add column stopped bigint;
