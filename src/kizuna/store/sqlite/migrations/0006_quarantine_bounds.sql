-- How much of each source waits in quarantine, kept right by the database itself; a row takes some 200 bytes besides.
alter table source add column kept integer not null default 0;
update source set kept = (select coalesce(sum(length(raw) + length(problems) + 200), 0) from quarantine where source = source.n);
create trigger quarantine_kept after insert on quarantine begin
    update source set kept = kept + length(new.raw) + length(new.problems) + 200 where n = new.source;
end;
create trigger quarantine_left after delete on quarantine begin
    update source set kept = kept - length(old.raw) - length(old.problems) - 200 where n = old.source;
end;
create index quarantine_received on quarantine(source, received);
