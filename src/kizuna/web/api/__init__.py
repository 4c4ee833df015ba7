"""The API under /api/v1, for one's own people and their programs. Partners read their feeds, by TAXII."""

from litestar import Router

from kizuna.web.api.audit import read_audit
from kizuna.web.api.consents import end_consent, grant_consent, read_consents, request_consent
from kizuna.web.api.finds import clear_found, read_found
from kizuna.web.api.imports import import_objects
from kizuna.web.api.jobs import ask_job, cancel_job, list_jobs, read_job, read_result
from kizuna.web.api.labels import read_label, set_label
from kizuna.web.api.node import read_me, read_partners, read_stats
from kizuna.web.api.objects import read_facets, read_neighbours, read_object, read_versions, read_visibility, search
from kizuna.web.api.purges import cancel_purge, confirm_purge, lift_purge, propose_purge, read_purges
from kizuna.web.api.release import explain_release, preview_release
from kizuna.web.api.releasing import (
    approve_release,
    propose_release,
    read_outbox,
    read_release_history,
    relabel_objects,
    revoke_objects,
    stop_release,
    withdraw_release,
)
from kizuna.web.api.rules import approve_rule, put_rules, read_rule_versions, read_rules, remove_rule, stop_rule
from kizuna.web.api.sanitising import sanitise_object
from kizuna.web.guards import own_people

PATH = "/api/v1"
HANDLERS = (
    search, read_facets, read_object, read_versions, read_neighbours, read_visibility, read_label, set_label, import_objects, read_me,
    read_partners, read_stats, read_audit, ask_job, list_jobs, read_job, read_result, cancel_job,
    read_purges, propose_purge, confirm_purge, cancel_purge, lift_purge, preview_release, explain_release, read_outbox,
    read_release_history, propose_release, approve_release, stop_release, withdraw_release, relabel_objects,
    read_rules, put_rules, read_rule_versions, remove_rule, approve_rule, stop_rule,
    read_consents, request_consent, grant_consent, end_consent,
    sanitise_object, revoke_objects, read_found, clear_found,
)  # fmt: skip


def router() -> Router:
    """Every route of the API, behind its guard."""
    return Router(PATH, route_handlers=list(HANDLERS), guards=[own_people])


__all__ = ["HANDLERS", "PATH", "router"]
