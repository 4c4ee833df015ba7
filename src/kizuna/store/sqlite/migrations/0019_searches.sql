-- Searches that somebody keeps for themselves: the question alone, never what it finds.
create table search(
    n integer primary key,
    person integer not null references person(n),
    name text not null,
    question text not null,           -- as it stands in an address
    saved integer not null,
    unique (person, name)
);

create trigger search_gone after update of removed on person when new.removed is not null begin
    delete from search where person=new.n;
end;
