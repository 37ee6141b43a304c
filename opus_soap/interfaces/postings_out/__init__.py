"""KMD Opus posteringer UD: postings out of the books, in total or by dimension."""
