"""Organisation and employees (individuelt dataudtræk): the `<kmd>` form, out and in again."""
