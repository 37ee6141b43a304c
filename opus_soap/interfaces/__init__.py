"""One room per Opus interface, all of the same shape: contract, service, format."""
