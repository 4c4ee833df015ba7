-- People, and the secrets by which people, partners and programs are known. Only hashes of secrets are kept.

create table person(
    n integer primary key,
    name text not null unique collate nocase, -- never used again: labels name persons
    display text not null,
    roles text not null,              -- JSON list
    clearances text not null,         -- JSON list of [policy, classification]
    language text,
    password text,                    -- argon2id in its standard encoding; null: one-time links only
    created integer not null,
    removed integer
);

create table credential(
    n integer primary key,
    kind text not null,               -- token, session or link
    hash blob not null unique,        -- SHA-256 of the secret
    person integer references person(n),
    partner text,
    scopes text not null,             -- JSON list
    note text not null,
    created integer not null,
    expires integer not null,
    ended integer
);
create index credential_person on credential(person, kind);
create index credential_expires on credential(kind, expires);

-- A partner that goes takes its tokens along: one of the same name that comes later is somebody else.
create trigger partner_gone after delete on partner begin
    update credential set ended=cast((julianday('now') - 2440587.5) * 86400000000 as integer)
    where partner=old.name and ended is null;
end;

create trigger person_gone after update of removed on person when new.removed is not null begin
    update credential set ended=new.removed where person=new.n and ended is null;
end;

-- Answers to requests that carried an Idempotency-Key, for a day.
create table answered(
    key blob primary key,             -- SHA-256 of the caller and its key
    request blob not null,            -- SHA-256 of what was asked
    at integer not null,
    answer blob not null
) without rowid;
create index answered_at on answered(at);
