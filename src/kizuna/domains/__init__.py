"""Analytics of one field each, turning what they find into STIX."""
