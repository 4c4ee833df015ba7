-- What one source sent of an id that it may not make versions of: the next is held against it, as if it had come in.
alter table quarantine add column version integer;
create index quarantine_id on quarantine(space, source, id, version);
