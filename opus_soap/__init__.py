"""opus_soap: the finance system's side of a Danish municipality's integrations."""

__version__ = "0.1.0"
