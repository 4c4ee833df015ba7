-- Texts that are withheld from a partner and were found in a row that would leave for it: that row waits until somebody looks. At most
-- some of them, each with some of the rows that it is withheld with.
create table find(
    recipient integer not null,
    object integer not null,
    ident integer not null,           -- the id here that the row is of: of a rendition that of its original
    digest blob not null,             -- SHA-256 of the text
    withheld integer not null,        -- a row it is withheld with
    text text not null,
    path text not null,               -- where it stands first
    primary key (recipient, object, digest, withheld)
) without rowid;
create index find_ident on find(recipient, ident);
create index find_withheld on find(withheld);

-- Texts, by their SHA-256, that somebody looked at and lets stand in what leaves to a partner.
create table cleared(recipient integer not null, digest blob not null, at integer not null, person text not null, primary key (recipient, digest)) without rowid;
