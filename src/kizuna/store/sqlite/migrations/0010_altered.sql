-- Rows that an act changed, in order: whoever holds some of their columns in memory follows.
create table altered(n integer primary key autoincrement, object integer not null);
create trigger object_altered after update of hidden, label, least on object
    begin insert into altered(object) values (new.n); end;
create trigger object_gone after delete on object begin insert into altered(object) values (old.n); end;
