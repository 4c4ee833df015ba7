-- How sure somebody is of an object, where it says so: 0 to 100, under the label of that property.
create table confidence(object bigint primary key, value bigint not null, label bigint not null);

-- Where the property is marked by itself, its label is taken to be that of the whole: never looser.
insert into confidence(object, value, label)
select o.n, (t.data->>'confidence')::bigint,
    case when o.whole<>o.label and exists (
        select 1 from json_array_elements(t.data->'granular_markings') m, json_array_elements_text(m->'selectors') s where s='confidence'
    ) then o.whole else o.label end
from (
    select n, case when position('"confidence"'::bytea in raw)>0 then convert_from(raw, 'UTF8')::json end as data from body
) t join object o on o.n=t.n
where o.hidden<>2 and case when t.data is not null then json_typeof(t.data->'confidence') end='number'
    and case when t.data is not null then t.data->>'confidence' end ~ '^(100|[1-9]?[0-9])$';
