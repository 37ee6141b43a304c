"""Offline: do files, their manifest, and the seals in it hold? Nothing is asked of the books.

Whoever received an extract can tell: that no byte was changed since it was signed, that the seals it covers
are signed and follow each other, that it follows on the extract before without a gap, and of an extract of
all postings that its vouchers are those under the seals. Whose key it is must be known from elsewhere
(`trusted`).
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import stat
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, BinaryIO

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from opus_soap.errors import Both, ExtractError, ExtractUntrue, ManifestUnreadable
from opus_soap.extracts import covering, manifest
from opus_soap.ledger.seals import FORM as SEAL_FORM
from opus_soap.ledger.seals import NO_ROOT, key_id

# of what is told: the facts that every check asks for
_FACTS: Mapping[str, type | UnionType] = {
    "municipality": str,
    "subscription": str,
    "extract": str,
    "sequence": int,
    "mode": str,
    "files": list,
    "seals": list,
    "follows": dict | NoneType,
}


@dataclass
class Verified:
    """What was read of a manifest, as far as it has its shape, and what does not hold."""

    path: Path
    told: Mapping[str, Any] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether everything holds."""
        return not self.problems


def verify(path: Path, trusted: Collection[str] | None = None) -> Verified:
    """Verify the extract of a manifest, its files in the same folder."""
    found = Verified(path)
    try:
        told = manifest.read(_bytes_of(path), path.name)
        _check_shape(told)
        found.told, expected = told, f"{told['extract']}{manifest.ENDING}"
        if path.name != expected:
            raise ExtractUntrue(element=path.name, value=Both("navnet", "its name"), expected=expected)
    except ExtractError as error:
        found.problems.append(error.text_english)
        return found
    except (KeyError, TypeError) as error:
        found.problems.append(f"{path.name}: not as opus-soap writes it ({error})")
        return found
    except OSError as error:
        found.problems.append(f"{path.name}: {error.strerror}")
        return found
    try:
        found.problems += _problems(path.parent, found.told, trusted)
    except OSError as error:
        found.problems.append(f"{error.filename}: {error.strerror}")
    except ExtractError as error:
        found.problems.append(error.text_english)
    except (
        AttributeError,
        KeyError,
        TypeError,
        ValueError,
        RecursionError,
    ) as error:  # signed by somebody who makes others
        found.problems.append(f"{path.name}: not as opus-soap writes it ({type(error).__name__})")
    return found


def _check_shape(told: Mapping[str, Any]) -> None:
    """Raise KeyError or TypeError, with the fact's name, for what the checks could not even ask."""
    for name, kind in _FACTS.items():
        if not isinstance(told[name], kind):
            raise TypeError(name)
    if told["follows"] is not None and not isinstance(told["follows"]["extract"], str):
        raise TypeError("follows")


def _regular(path: Path) -> BinaryIO:
    """A file to read from; OSError for a pipe or a device, which may never end."""
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise OSError(errno.EINVAL, "not a regular file", str(path))
    return open(handle, "rb")


def _bytes_of(path: Path) -> bytes:
    """A manifest's bytes; raises OSError, `ManifestUnreadable`."""
    with _regular(path) as file:
        data = file.read(manifest.MOST_BYTES + 1)
    if len(data) > manifest.MOST_BYTES:
        raise ManifestUnreadable(element=path.name, value=Both("for stor", "too large"))
    return data


def check_between(verified: Sequence[Verified]) -> None:
    """Add what is missing between extracts that were verified together.

    Each but the first of a subscription has the one before; that one may follow on what is no longer here.
    """
    of_subscription: dict[tuple[str, str], list[Verified]] = defaultdict(list)
    for one in verified:
        if one.told:  # damaged or not: it is here
            of_subscription[one.told["municipality"], one.told["subscription"]].append(one)
    for some in of_subscription.values():
        here = {one.told["extract"] for one in some}
        for one in sorted(some, key=lambda one: one.told["sequence"])[1:]:
            followed = one.told["follows"]
            if followed is not None and followed["extract"] not in here:
                one.problems.append(f"follows on {followed['extract']}, which is not here")


def strangers(verified: Sequence[Verified]) -> list[Path]:
    """Files beside the manifests that none of them names; hidden ones (kept for a next extract) are not told.

    Where a manifest cannot be read nothing is: what it names is not known.
    """
    of_folder: dict[Path, list[Verified]] = defaultdict(list)
    for one in verified:
        of_folder[one.path.parent].append(one)
    found = []
    for folder, some in sorted(of_folder.items()):
        if not all(one.told for one in some):
            continue
        named = {one.path.name for one in some} | {
            _name_of(file) for one in some for file in one.told["files"]
        }
        here = (path for path in folder.iterdir() if not path.is_dir() and not path.name.startswith("."))
        found += sorted(path for path in here if path.name not in named)
    return found


def _name_of(file: Any) -> str:
    """What a manifest calls a file; nothing in one of another shape, which is told as a problem."""
    return str(file.get("name", "")) if isinstance(file, dict) else ""


def _problems(folder: Path, told: Mapping[str, Any], trusted: Collection[str] | None) -> list[str]:
    problems = list(_check_key(told, trusted))
    for file in told["files"]:
        problems += _check_file(folder, file)
    problems += [*_check_seals(told, trusted), *_check_followed(folder, told)]
    return problems or list(_check_vouchers(folder, told))


def _check_key(told: Mapping[str, Any], trusted: Collection[str] | None) -> Iterator[str]:
    if trusted is not None and told["key_id"] not in trusted:
        yield f"signed with the key {told['key_id']}, which is not one of those trusted"


def _check_file(folder: Path, file: Mapping[str, Any]) -> Iterator[str]:
    name = Path(str(file["name"])).name
    try:
        with _regular(folder / name) as data:
            size = data.seek(0, os.SEEK_END)
            if size != file["bytes"]:
                yield f"{name}: {size} bytes; it must be {file['bytes']}"
                return
            data.seek(0)
            actual = hashlib.file_digest(data, "sha256").hexdigest()  # type: ignore[arg-type]
    except OSError as error:
        yield f"{name}: {error.strerror}"
        return
    if actual != file["sha256"]:
        yield f"{name}: SHA-256 {actual}; it must be {file['sha256']}"


def _check_vouchers(folder: Path, told: Mapping[str, Any]) -> Iterator[str]:
    """What files and seals that hold by themselves say of each other."""
    if not covering.has_every_voucher(told):
        return
    name = f"{told['extract']}.xml"
    if name not in (file["name"] for file in told["files"]):
        yield f"{name}: is not among the files"
        return
    with _regular(folder / name) as data:
        seal = covering.first_seal_that_differs(data, told)
    if seal is not None:
        yield f"{name}: its vouchers are not those under seal {seal}"


def _check_seals(told: Mapping[str, Any], trusted: Collection[str] | None) -> Iterator[str]:
    """Each is signed by the key it names, and follows on the one before."""
    before: Mapping[str, Any] | None = None
    if told["mode"] == "full" and told["seals"] and told["seals"][0]["previous"] != NO_ROOT.hex():
        yield f"seal {told['seals'][0]['sequence']}: is not the first, though everything is said to be here"
    for seal in told["seals"]:
        name = f"seal {seal['sequence']}"
        if trusted is not None and seal["key_id"] not in trusted:
            yield f"{name}: by the key {seal['key_id']}, which is not one of those trusted"
        if not _is_signed(told, seal):
            yield f"{name}: its signature is not that of its key"
        if before is not None and (
            seal["sequence"] != before["sequence"] + 1 or seal["previous"] != before["root"]
        ):
            yield f"{name}: does not follow on seal {before['sequence']}"
        before = seal


def _is_signed(told: Mapping[str, Any], seal: Mapping[str, Any]) -> bool:
    signed = [
        SEAL_FORM,
        told["municipality"],
        told["company_code"],
        seal["sequence"],
        seal["first_voucher"],
        seal["last_voucher"],
        seal["vouchers"],
        seal["previous"],
        seal["root"],
        seal["key_id"],
        seal["sealed_at"],
    ]
    text = json.dumps(signed, ensure_ascii=False, separators=(",", ":")).encode()
    try:
        public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(told["seal_keys"][seal["key_id"]]))
        public.verify(bytes.fromhex(seal["signature"]), text)
    except (InvalidSignature, KeyError, ValueError):
        return False
    return bool(key_id(public) == seal["key_id"])


def _check_followed(folder: Path, told: Mapping[str, Any]) -> Iterator[str]:
    """Where the extract before lies beside it.

    It is the one that was meant, and nothing is between the two.
    """
    followed = told["follows"]
    if followed is None:
        return
    name = f"{Path(str(followed['extract'])).name}{manifest.ENDING}"
    path = next(
        (place / name for place in (folder, folder.parent / followed["extract"]) if (place / name).exists()),
        None,
    )
    if path is None:
        return
    data = _bytes_of(path)
    if hashlib.sha256(data).hexdigest() != followed["manifest_sha256"]:
        yield f"{name}: is not the manifest that this extract follows on"
        return
    before = json.loads(data)
    if told["mode"] == "delta" and told["seals"] and before["seals"]:
        last, first = before["seals"][-1], told["seals"][0]
        if first["sequence"] != last["sequence"] + 1 or first["previous"] != last["root"]:
            yield f"seal {first['sequence']}: does not follow on {followed['extract']}"
