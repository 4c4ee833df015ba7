-- Texts that are withheld from a partner and were found in a row that would leave for it: that row waits until somebody looks. At most
-- some of them, each with some of the rows that it is withheld with.
create table find(
    recipient bigint not null,
    object bigint not null,
    ident bigint not null,           -- the id here that the row is of: of a rendition that of its original
    digest bytea not null,             -- SHA-256 of the text
    withheld bigint not null,        -- a row it is withheld with
    text text collate "C" not null,
    path text collate "C" not null,               -- where it stands first
    primary key (recipient, object, digest, withheld)
);
create index find_ident on find(recipient, ident);
create index find_withheld on find(withheld);

-- Texts, by their SHA-256, that somebody looked at and lets stand in what leaves to a partner.
create table cleared(
    recipient bigint not null, digest bytea not null, at bigint not null, person text collate "C" not null, primary key (recipient, digest)
);
