-- Somebody of a partner reads what that partner was given, and nothing else; null for one's own people.
alter table person add column partner text collate "C";
create index person_partner on person(partner) where partner is not null;

-- A partner that goes takes its people along, as it does its tokens.
create function partner_people_gone() returns trigger language plpgsql as $$ begin
    update person set removed = (extract(epoch from clock_timestamp()) * 1000000)::bigint where partner = old.name and removed is null;
    return null;
end $$;
create trigger partner_people_gone after delete on partner for each row execute function partner_people_gone();

-- Notices that one partner was sent, or sent, and all that concerns consents, page by page.
create index notice_partner on notice(partner, sent, n);
create index notice_consent on notice(n) where kind in ('request','consent','consent-end');
create index outbox_consent on outbox(n) where act in ('consent','consent-end');
