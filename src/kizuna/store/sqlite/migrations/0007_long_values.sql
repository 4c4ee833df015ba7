-- Long values are indexed by their beginning and a hash, as on every database.
update or replace value set value = keyed(value) where length(value) > 500 or instr(value, char(0)) > 0;
update place set value = keyed(value) where length(value) > 500 or instr(value, char(0)) > 0;
