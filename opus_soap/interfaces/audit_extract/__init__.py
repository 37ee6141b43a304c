"""FIR Revisorudtræk: all that an auditor needs of a year, as tables, as SAF-T, and as a report."""
