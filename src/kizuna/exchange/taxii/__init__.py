"""TAXII 2.1 (OASIS Standard, 10 June 2021): the server as an ASGI application; the client is in `client`."""

from kizuna.exchange.taxii.server import refuse, taxii_app

__all__ = ["refuse", "taxii_app"]
