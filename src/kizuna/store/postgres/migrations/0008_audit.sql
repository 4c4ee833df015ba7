-- The audit trail is append-only: what is in it is neither changed nor taken out, by nobody who comes through the database.
create function audit_stays() returns trigger language plpgsql as $$ begin
    raise exception 'the audit trail is append-only' using errcode = 'integrity_constraint_violation';
end $$;
create trigger audit_stays before update or delete or truncate on audit for each statement execute function audit_stays();
create index audit_actor on audit(actor, n);
create index audit_act on audit(act, n);
