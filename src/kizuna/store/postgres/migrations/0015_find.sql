-- Texts that are withheld from a partner and were found in what would leave for it: what holds one is held (`hold`) until somebody looks.
create table find(
    recipient bigint not null,
    ident bigint not null,            -- what is held
    digest bytea not null,            -- SHA-256 of the text
    text text collate "C" not null,
    path text collate "C" not null,   -- where in it the text stands first
    withheld bigint not null,         -- the row it is withheld with
    primary key (recipient, ident, digest)
);
create index find_withheld on find(withheld);

-- Texts, by their SHA-256, that somebody looked at and lets stand in what leaves to a partner.
create table cleared(
    recipient bigint not null, digest bytea not null, at bigint not null, person text collate "C" not null, primary key (recipient, digest)
);
