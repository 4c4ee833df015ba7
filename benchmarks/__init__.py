"""Measurements side by side with the peers; each prints a table of ratios."""
