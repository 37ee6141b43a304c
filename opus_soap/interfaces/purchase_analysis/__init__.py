"""Fakturadata til indkøbsanalyse: booked invoices out, with their accounting and their originals."""
