"""UdtraekHent: extracts fetched over SOAP, our own service."""
