-- Texts that one of one's own people let, by their SHA-256: for what is under a label and area under which they saw all of it, where the
-- text is withheld with something under a label and area of which they saw all as well. `cleared` lets a text wherever it stands.
create table cleared_under(
    recipient integer not null,
    digest blob not null,
    label integer not null,
    area integer not null,            -- 0: none
    withheld_label integer not null,
    withheld_area integer not null,   -- 0: none
    at integer not null,
    person text not null,
    primary key (recipient, digest, label, area, withheld_label, withheld_area)
) without rowid;
