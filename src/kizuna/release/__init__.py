"""What leaves: for each partner what may leave whole, what in part, what not, and why."""

from kizuna.release.plan import Verdict, verdicts
from kizuna.release.rendition import Form, Rendered, render

__all__ = ["Form", "Rendered", "Verdict", "render", "verdicts"]
