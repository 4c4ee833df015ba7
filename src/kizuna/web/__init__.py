"""The web window: pages, API, and the door to TAXII; `create_app` makes it, `login_url` opens it once."""

from kizuna.web.app import create_app
from kizuna.web.auth import Authenticator, login_url
from kizuna.web.exits import EXITS, Exit

__all__ = ["EXITS", "Authenticator", "Exit", "create_app", "login_url"]
