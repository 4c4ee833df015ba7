"""Pages for people."""

from kizuna.web.pages import (
    consent_form,
    consents,
    cut,
    edit,
    feed,
    graph,
    release,
    remarks,
    rule_form,
    rules,
    settings,
    visitors,
)
from kizuna.web.pages.air import show_air
from kizuna.web.pages.bulk import export_objects, tag_objects
from kizuna.web.pages.find import find
from kizuna.web.pages.links import list_links
from kizuna.web.pages.login import (
    choose_language,
    confirm_link,
    follow_link,
    login,
    logout,
    submit_link,
    submit_login,
)
from kizuna.web.pages.object import show_object
from kizuna.web.pages.objects import label_objects, list_objects
from kizuna.web.pages.partners import list_partners, show_partner
from kizuna.web.pages.people import list_people
from kizuna.web.pages.problems import list_problems, problem_page, show_problem
from kizuna.web.pages.render import AtTheDoor, redirect
from kizuna.web.pages.searches import change_searches, list_searches
from kizuna.web.pages.sessions import end_session, list_sessions
from kizuna.web.pages.static import static
from kizuna.web.pages.status import status
from kizuna.web.pages.timeline import show_timeline

HANDLERS = (
    status, *find, *list_links, *show_air, *show_timeline,
    *list_objects, label_objects, tag_objects, export_objects, *list_searches, change_searches,
    show_object, *graph.HANDLERS, *cut.HANDLERS, *edit.HANDLERS, *remarks.HANDLERS,
    *release.HANDLERS, *rules.HANDLERS, *rule_form.HANDLERS, *consents.HANDLERS, *consent_form.HANDLERS,
    *feed.HANDLERS, *visitors.HANDLERS, *list_partners, show_partner, *list_people,
    *list_sessions, end_session, *settings.HANDLERS, login, follow_link, confirm_link, submit_link, submit_login, logout, choose_language,
    list_problems, show_problem, static,
)  # fmt: skip

__all__ = ["HANDLERS", "AtTheDoor", "problem_page", "redirect"]
