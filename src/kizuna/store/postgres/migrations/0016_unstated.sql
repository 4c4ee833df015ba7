-- Whether the bytes of a row state less than its label: null while nobody asked. To partners that are told labels by the objects alone
-- such a row leaves as a rendition that states it.
alter table object add column unstated bigint;
create index object_unstated on object(whole, area) where unstated = 1 and hidden = 0;

-- A rendition of which nothing is cut, nor of what it refers to: to rules it is as whole as what it was made of.
alter table part add column entire bigint not null default 0;
