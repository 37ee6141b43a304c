"""The example's files, and settings that name them."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from opus_soap.settings import Settings, load
from opus_soap.wss import pki
from tests.conftest import NOON


@pytest.fixture(scope="session")
def made(tmp_path_factory) -> pki.Pki:
    """The example PKI in a folder that is not to be changed."""
    return pki.create(pki.example(), tmp_path_factory.mktemp("pki") / "keys", now=NOON)


@pytest.fixture
def keys(made: pki.Pki, tmp_path: Path) -> Path:
    """A copy of it."""
    return Path(shutil.copytree(made.files[0].parent, tmp_path / "keys"))


@pytest.fixture
def settings(keys: Path, tmp_path: Path) -> Callable[..., Settings]:
    """Settings over the copy; a test adds its own."""

    def make(**more: object) -> Settings:
        return load(
            **{
                "database_url": f"sqlite:///{tmp_path}/none.sqlite3",
                "signing_key_file": keys / "opus.key.pem",
                "signing_certificate_file": keys / "opus.crt.pem",
                "trusted_ca_file": keys / "ca.pem",
                "seal_key_file": keys / "seal.key.pem",
                "revocation_lists": keys,
                "files_folder": tmp_path / "files",
                "postings_folder": tmp_path / "postings",
                **more,
            }
        )

    return make
