-- What a node does beside its requests. A job is written with its input in one transaction, so that nothing is promised and then forgotten.
-- `asked` is a person of the node, or `cli:NAME` for the keeper of the folder; `holder` works on it until `lease`.
create table job(
    n integer primary key,
    id text not null unique,
    kind text not null,
    asked text not null,
    arguments text not null,
    state text not null,
    done integer not null default 0,
    total integer,
    made integer not null,
    started integer,
    ended integer,
    attempt integer not null default 0,
    holder text,
    lease integer,
    cancelled integer not null default 0,
    result text,
    error text,
    reason text
);
create index job_open on job(n) where state in ('queued', 'running');
create index job_asked on job(asked, n);
create index job_ended on job(ended) where ended is not null;

-- What a job was given, or what it made: pieces in order. `rows` says of which stored rows a piece of an export was made.
create table job_part(
    job integer not null references job(n) on delete cascade,
    part integer not null,
    raw blob not null,
    rows text,
    primary key (job, part)
) without rowid;

-- What comes round again, such as the poll of a partner: whoever holds it does it, until `lease`.
create table schedule(name text primary key, due integer not null, holder text, lease integer) without rowid;
