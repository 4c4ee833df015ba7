-- What became of what somebody sent by TAXII: kept a day, shown to the sender alone.
create table status(id text primary key, caller text not null, at integer not null, body blob not null) without rowid;
create index status_at on status(at);
