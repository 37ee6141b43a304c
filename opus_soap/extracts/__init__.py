"""The engine under every extract: ordered, produced from sealed books, handed over, verified by anybody."""
