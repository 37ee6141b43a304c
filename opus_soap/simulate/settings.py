"""The simulated case system's settings: those of the house, with a database and keys of its own."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, field_validator

from opus_soap.settings import Settings


class CaseSystemSettings(Settings):
    """Set like every setting; only these defaults are others."""

    database_url: str = Field(
        "sqlite:///var/case-system.sqlite3", description="The simulator's own database; it holds no books."
    )
    signing_key_file: Path = Field(
        Path("var/secrets/case-system.key.pem"), description="Private key (PEM) that signs its messages."
    )
    signing_certificate_file: Path = Field(
        Path("var/secrets/case-system.crt.pem"), description="Certificate (PEM) that belongs to that key."
    )

    @field_validator("public_url")
    @classmethod
    def _is_the_finance_systems(cls, url: str) -> str:
        """The two share an environment, but not an address."""
        return ""
