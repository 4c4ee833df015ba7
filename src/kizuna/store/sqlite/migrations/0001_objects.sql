-- Objects, what is read out of them, who may see them, and what partners may read.

create table space(n integer primary key, name text not null unique);
insert into space values (0, 'real');

create table source(
    n integer primary key,
    name text not null unique,
    kind text not null,
    organisation text not null
);

create table label(n integer primary key, canonical text not null unique);
create table area(n integer primary key, name text not null unique);
create table term(n integer primary key, name text not null unique); -- object types, property paths, kinds of values

-- The only table keyed by random ids: everything else uses `n`, so that new rows append.
create table ident(
    space integer not null,
    id text not null,
    n integer not null,
    primary key (space, id)
) without rowid;

create table object(
    n integer primary key,            -- order of arrival
    ident integer not null,
    space integer not null,
    id text not null,
    version integer,                  -- microseconds of modified, else created; null: the digest is the version
    digest blob not null,             -- SHA-256 of the canonical JSON
    source integer not null,          -- of the first row of an id: its owner, who alone makes versions
    label integer not null,           -- of the object
    whole integer not null,           -- joined with its granular marks
    area integer,
    type integer not null,
    added integer not null,           -- microseconds, one moment for each batch, rising with n
    hidden integer not null default 0,
    set_by text                       -- who relabelled it, if anybody
);
create unique index object_key on object(ident, digest, source);
create index object_whole on object(whole, area, label, source) where hidden = 0;

create table body(n integer primary key, raw blob not null, original blob, problems text);

create table edge(
    object integer not null,
    target integer not null,
    path integer not null,
    label integer not null,
    primary key (object, target, path)
) without rowid;
create index edge_target on edge(target, object);

create table value(
    value text not null,
    kind integer not null,
    object integer not null,
    label integer not null,
    primary key (value, kind, object)
) without rowid;
create index value_object on value(object);

create table place(object integer not null, kind text not null, value text not null, label integer not null);
create index place_object on place(object);
create index place_value on place(kind, value);

create table time(object integer not null, path integer not null, first integer not null, last integer, label integer not null);
create index time_object on time(object);
create index time_first on time(first);

-- One document per (row, label). The text itself lives in `body`: the index is contentless.
create table doc(n integer primary key autoincrement, object integer not null, label integer not null);
create index doc_object on doc(object);
create virtual table words using fts5(text, content='', columnsize=0, tokenize="unicode61 remove_diacritics 0");

create table quarantine(
    n integer primary key,
    space integer not null,
    source integer not null,
    received integer not null,
    due integer,                      -- when a version dated ahead may come in
    id text,
    reason text not null,
    area integer,
    default_label text,
    digest blob not null,             -- SHA-256 of the received bytes
    raw blob not null,
    problems text not null
);
create index quarantine_due on quarantine(due) where due is not null;
create unique index quarantine_once on quarantine(space, source, digest);

create table partner(n integer primary key, name text not null unique, data text not null, last_exchange integer);
create table party(name text primary key, data text not null) without rowid; -- groups and their dated members

-- A partner's feed: append-only, `added` is its sequence and its date at once; `live` ends, never the row.
create table feed(
    recipient integer not null,
    added integer not null,
    object integer not null,
    ident integer not null,
    live integer not null,
    last integer not null,            -- the newest live version of its id
    primary key (recipient, added)
) without rowid;
create index feed_ident on feed(recipient, ident);

-- Rows that a recipient might read but for one reference to what it may not: each waits on one missing target.
create table waiting(
    recipient integer not null,
    target integer not null,
    object integer not null,
    primary key (recipient, target, object)
) without rowid;
create index waiting_object on waiting(recipient, object);

create table meta(key text primary key, value text not null) without rowid;

create table audit(
    n integer primary key,
    at integer not null,
    actor text not null,
    act text not null,
    subject text not null,
    detail text not null
);
