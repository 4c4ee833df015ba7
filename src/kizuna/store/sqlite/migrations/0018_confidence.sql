-- How sure somebody is of an object, where it says so: 0 to 100, under the label of that property.
create table confidence(object integer primary key, value integer not null, label integer not null);

-- Where the property is marked by itself, its label is taken to be that of the whole: never looser.
insert into confidence(object, value, label)
select o.n, json_extract(t.text, '$.confidence'),
    case when o.whole<>o.label and exists (
        select 1 from json_each(t.text, '$.granular_markings') m, json_each(m.value, '$.selectors') s where s.value='confidence'
    ) then o.whole else o.label end
from (select n, cast(raw as text) as text from body where instr(raw, cast('"confidence"' as blob))>0) t join object o on o.n=t.n
where o.hidden<>2 and case when json_valid(t.text) then json_type(t.text, '$.confidence') end='integer'
    and json_extract(t.text, '$.confidence') between 0 and 100;
