"""How it travels: TAXII 2.1."""
