-- Who may see anything of an object: its label joined with the marks that take the whole along when they close their part.
alter table object add column least integer not null default 0;
update object set least = label;
drop index object_whole;
create index object_whole on object(whole, area, least, source) where hidden = 0;
