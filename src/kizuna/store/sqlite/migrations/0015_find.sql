-- Texts that are withheld from a partner and were found in what would leave for it: what holds one is held (`hold`) until somebody looks.
create table find(
    recipient integer not null,
    ident integer not null,           -- what is held
    digest blob not null,             -- SHA-256 of the text
    text text not null,
    path text not null,               -- where in it the text stands first
    withheld integer not null,        -- the row it is withheld with
    primary key (recipient, ident, digest)
) without rowid;
create index find_withheld on find(withheld);

-- Texts, by their SHA-256, that somebody looked at and lets stand in what leaves to a partner.
create table cleared(recipient integer not null, digest blob not null, at integer not null, person text not null, primary key (recipient, digest)) without rowid;
