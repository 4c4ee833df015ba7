-- From the number of an id to the id: what waits for it, what a check compares, what a purge takes away.
create index ident_n on ident(n);
