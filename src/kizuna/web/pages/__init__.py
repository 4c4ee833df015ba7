"""Pages for people: status, log-in, and what problems mean."""

from kizuna.web.pages.login import (
    choose_language,
    confirm_link,
    follow_link,
    login,
    logout,
    submit_link,
    submit_login,
)
from kizuna.web.pages.problems import list_problems, problem_page, show_problem
from kizuna.web.pages.static import static
from kizuna.web.pages.status import status

HANDLERS = (
    status, login, follow_link, confirm_link, submit_link, submit_login, logout, choose_language, list_problems, show_problem, static,
)  # fmt: skip

__all__ = ["HANDLERS", "problem_page"]
