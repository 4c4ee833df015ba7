"""Seeded captures of Remote ID with ground truth: honest aircraft as untidy as real ones, and forged ones planted among them.

For tests and the demonstration of detection: it writes capture files and transmits nothing.
"""

from kizuna.domains.air.simulator.capture import simulate
from kizuna.domains.air.simulator.scenario import METHODS, Actor, Capture, Method, Path, Scenario, Spoof, Truth

__all__ = ["METHODS", "Actor", "Capture", "Method", "Path", "Scenario", "Spoof", "Truth", "simulate"]
