"""What belongs together, and why."""

from kizuna.link.regional import RegionOf, country_of, cross_regional

__all__ = ["RegionOf", "country_of", "cross_regional"]
