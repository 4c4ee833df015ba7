"""Kizuna (絆): a partner node for organisations that trust each other."""

__version__ = "0.1.0"
