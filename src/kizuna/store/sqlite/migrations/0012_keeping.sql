-- What two operators want destroyed, and what they had destroyed: of that the id is kept as a keyed digest alone, so that it does not come back.
create table purge(
    n integer primary key autoincrement,
    state text not null,              -- proposed, done, cancelled, expired or lifted
    id text,                          -- while it is proposed
    mark text not null,               -- keyed digest of the id, in hexadecimal
    reason text not null,
    proposed integer not null,
    proposed_by text not null,
    ended integer,
    ended_by text,
    lifted integer,
    lifted_by text
);
create index purge_mark on purge(mark) where state = 'done';
create index purge_state on purge(state);

-- How long what has a label or serves an area is kept. One that destroys counts when a second operator has confirmed it.
create table retention(
    n integer primary key autoincrement,
    label text,                       -- POLICY:CLASSIFICATION, any where null
    area text,                        -- any where null
    days integer not null,            -- after the last version came in
    act text not null,                -- hide or destroy
    reason text not null,
    made integer not null,
    made_by text not null,
    confirmed integer,
    confirmed_by text
);

-- What each partner sent in an hour, counted by all processes together.
create table sent(
    partner text primary key,
    hour integer not null,            -- hours since 1970
    objects integer not null,
    bytes integer not null
) without rowid;
