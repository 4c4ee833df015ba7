"""Seeing inside: a log of lines, metrics and spans, each a listener to what happens in the node."""

from kizuna.observe.observer import Observer
from kizuna.observe.setup import observed

__all__ = ["Observer", "observed"]
