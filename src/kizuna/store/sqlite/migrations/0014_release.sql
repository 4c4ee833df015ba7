-- By whose word something leaves: standing rules and what people approved, per partner.

-- A rule is never edited: a change is its next version. One that sends counts once it is granted by as many people as it asks for.
create table rule(
    n integer primary key autoincrement,
    name text not null,
    version integer not null,
    data text not null,               -- JSON
    made integer not null,
    made_by text not null,
    granted integer,
    stopped integer,                  -- nothing enters by it any more until it is resumed
    ended integer                     -- replaced by its next version, or removed
);
create unique index rule_version on rule(name, version);

-- What leaves by its label alone, as it did before there were rules, goes on until somebody decides otherwise.
insert into rule(name, version, data, made, made_by, granted) values ('as-labelled', 1, '{"act":"send"}', 0, 'kizuna', 0);

-- Somebody's word: for one row of an object, to one partner, with these bytes and this label; or for a version of a rule.
create table approval(
    n integer primary key autoincrement,
    recipient integer,
    object integer,
    rule integer,
    digest blob not null,             -- SHA-256 of the bytes that leave, or of the rule
    label integer,
    asked integer not null,           -- how many people were asked for then
    person text not null,
    at integer not null,
    voided integer,
    reason text                       -- why it is void
);
create index approval_object on approval(recipient, object) where object is not null;
create index approval_rule on approval(rule) where rule is not null;

-- What somebody wants to leave and no rule proposes.
create table proposal(recipient integer not null, object integer not null, at integer not null, person text not null, primary key (recipient, object)) without rowid;

-- What does not go to a partner whatever rules and older approvals say: withdrawn, or stopped before it left.
create table hold(recipient integer not null, ident integer not null, at integer not null, person text not null, act text not null, primary key (recipient, ident)) without rowid;

-- What waits for the next hour, since its rule let out as much as it may, and how much each let out in an hour.
create table capped(recipient integer not null, object integer not null, primary key (recipient, object)) without rowid;
create table spent(rule integer not null, recipient integer not null, hour integer not null, objects integer not null, primary key (rule, recipient)) without rowid;

-- What people did about an id and a partner, in order.
create table outbox(
    n integer primary key autoincrement,
    recipient integer not null,
    ident integer not null,
    at integer not null,
    act text not null,
    person text not null,
    detail text not null              -- JSON
);
create index outbox_ident on outbox(ident, recipient);

-- Renditions: what leaves of an object where not all of it may. They are rows of `object` that no view shows (hidden = 2), alike for all
-- who may see as much; `original` is the row they were made of, none for a marking definition that states a label of one.
create table rendition(row integer primary key, original integer);
create index rendition_original on rendition(original);

-- What of them a partner may have now, of which id here, and the label of all of that.
create table part(
    recipient integer not null,
    row integer not null,
    ident integer not null,
    original integer not null,
    whole integer not null,
    primary key (recipient, row)
) without rowid;
create index part_ident on part(recipient, ident);

-- Signed notes between this node and a partner: what was told, and what became of it.
create table notice(
    n integer primary key autoincrement,
    partner text not null,
    sent integer not null,               -- 1: by this node; 0: by the partner
    kind text not null,               -- withdrawal, return, confirmation, request, consent or consent-end
    note text not null,               -- id of the STIX note
    about text not null,              -- JSON list of ids, as the partner knows them
    third_party text,
    expires integer,
    reason text,
    at integer not null,
    person text not null,
    settled integer                      -- confirmed or answered
);
create unique index notice_note on notice(partner, sent, note);

-- What originators let this node pass on: of an object or of a label, to one organisation.
create table consent(
    n integer primary key autoincrement,
    partner text not null,
    originator text not null,
    subject text not null,
    third_party text not null,
    expires integer,
    received integer not null,
    asked integer not null,              -- whether this node asked for it
    ended integer
);
create index consent_third_party on consent(third_party);
