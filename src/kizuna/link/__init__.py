"""What belongs together, and why."""

from kizuna.link.regional import RegionOf, cross_regional

__all__ = ["RegionOf", "cross_regional"]
