"""A small certificate world from a declaration: CAs, system certificates, and those to be refused.

For demos and tests. The declaration is TOML (certs-example/README.md lists the fields); files get
their names from it, keys are new each time.
"""

from opus_soap.wss.pki.definition import (
    AuthorityDefinition,
    CertificateDefinition,
    PkiDefinition,
    example,
    load_definition,
    read_definition,
)
from opus_soap.wss.pki.files import create
from opus_soap.wss.pki.issuing import Issued, Pki, build

__all__ = [
    "AuthorityDefinition",
    "CertificateDefinition",
    "Issued",
    "Pki",
    "PkiDefinition",
    "build",
    "create",
    "example",
    "load_definition",
    "read_definition",
]
