"""How messages leave: the outbox's worker, and the SOAP client that signs, archives and verifies."""
