"""What leaves: for each partner what may leave whole, what in part, what not, and why."""

from kizuna.labels import Form, Rendered, render
from kizuna.store.plan import Verdict, verdicts

__all__ = ["Form", "Rendered", "Verdict", "render", "verdicts"]
