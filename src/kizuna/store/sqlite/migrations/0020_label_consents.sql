-- Consents to a whole label: what a notice says of one, and under which label, and for which content alone, a consent to an object counts.
alter table notice add column label text;
alter table consent add column label text;
alter table consent add column digest text;   -- SHA-256 of the canonical JSON, in hexadecimal; null for every version
create index consent_of on consent(third_party, subject) where ended is null;

-- Labels of one's own that people let a partner pass on, to one organisation each.
create table consent_given(
    n integer primary key autoincrement,
    recipient integer not null,          -- the partner that has what is under it
    holder text not null,               -- the organisation it is then
    label text not null,
    third_party text not null,
    expires integer,
    at integer not null,
    person text not null,
    ended integer
);
create index consent_given_now on consent_given(recipient) where ended is null;

-- Of which versions the partner was told so: ids as it knows them, and the digest of the content.
create table consent_told(
    given integer not null,
    ident integer not null,
    digest text not null,
    primary key (given, ident, digest)
) without rowid;
create index consent_told_ident on consent_told(ident);

-- What was in the feeds of partners that were removed since, under the names they had: what comes back of it loosens nothing.
create table departed(
    ident integer not null,
    object integer not null,
    partner text not null,
    added integer not null,               -- when it entered the feed
    primary key (ident, object, partner, added)
) without rowid;
