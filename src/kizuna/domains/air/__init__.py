"""Unmanned aircraft by what they send: detection only."""
