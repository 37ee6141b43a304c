"""Other people's formats, without a database: invoices in OIOUBL and Peppol BIS 3."""
