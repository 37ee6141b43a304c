"""Master data for other systems: accounts and dimensions with their UUIDs."""
