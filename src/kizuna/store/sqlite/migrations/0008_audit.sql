-- The audit trail is append-only: what is in it is neither changed nor taken out, by nobody who comes through the database.
create trigger audit_kept before update on audit begin
    select raise(abort, 'the audit trail is append-only');
end;
create trigger audit_stays before delete on audit begin
    select raise(abort, 'the audit trail is append-only');
end;
create index audit_actor on audit(actor, n);
create index audit_act on audit(act, n);
