"""Extracts over HTTP: `GET /udtraek/<SUBSCRIPTION>/` tells what there is, `GET …/<EXTRACT>/<FILE>` gives it.

A download that is cut goes on where it stopped (Range). Who has fetched all of an extract confirms it:
`POST …/<EXTRACT>/kvittering` with the SHA-256 of its manifest; then it is handed over. Who asks shows a
token of the subscription; what is another's looks as if it were not there. What waits for its receiver (a
file that is read, a receipt that is written) has a place among the downloads, and none among the requests.
"""

from __future__ import annotations

import json
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from opus_soap.clock import isoformat
from opus_soap.errors import Both, DownloadForbidden, DownloadMissing, DownloadsBusy, MethodNotAllowed
from opus_soap.extracts import manifest, tokens
from opus_soap.extracts.delivering import Deliverer
from opus_soap.extracts.fetching import MADE, confirm, find_produced, open_file
from opus_soap.settings import Settings
from opus_soap.soap import limits
from opus_soap.soap.access_log import ASKED
from opus_soap.soap.answers import Answer, FileBody, file_answer
from opus_soap.soap.front import AtWork
from opus_soap.soap.shares import Shares
from opus_soap.store.extract_models import Extract, ExtractToken, Subscription

RECEIPT = "kvittering"
_JSON = "application/json"
_MEDIA_TYPES = {".xml": "application/xml", ".csv": "text/csv; charset=utf-8", ".json": _JSON}
_RECEIPT_BYTES = 1024
_LONGEST_NAME = 120  # in a text


@dataclass
class Downloads:
    """The door for receivers who fetch."""

    deliverer: Deliverer
    settings: Settings
    prefix: str = "/udtraek/"
    methods: tuple[str, ...] = ("GET", "HEAD", "POST")

    def __post_init__(self) -> None:
        settings = self.settings
        self._shares = Shares(
            settings.max_pending_downloads, settings.max_downloads_of_subscription, DownloadsBusy
        )

    def answer(self, environ: dict[str, Any], path: str, method: str, at_work: AtWork) -> Answer:
        """A list, a file, or what came of a receipt.

        Raises `DownloadForbidden`, `DownloadMissing`, `DownloadReceiptWrong`, `DownloadReceiptEarly`,
        `DownloadReceiptUnwanted`, `DownloadsBusy`, `ExtractFolderFailed`, `ExtractDiffers`, and what `limits`
        raises.
        """
        name, _, rest = path.removeprefix(self.prefix).partition("/")
        extract_name, _, file_name = rest.partition("/")
        with ExitStack() as until_sent:
            with at_work():
                token = _authenticated(environ)
                # PostgreSQL takes no NUL, not even to look
                if name != token.subscription.name or "\0" in path:
                    raise DownloadMissing(value=path[:_LONGEST_NAME])
                asked = environ[ASKED] = {"subscription": name, "token": token.id}
                if method == "POST" and file_name != RECEIPT:
                    raise MethodNotAllowed(value=method, expected="GET, HEAD")
                if method != "POST" and not rest:
                    return 200, _JSON, _json(_list(token.subscription))
                of_it = Both(f"for abonnementet {name}", f"of the subscription {name}")
                until_sent.enter_context(self._shares.one(token.subscription.id, of_it))
                extract = find_produced(token.subscription, extract_name)
                asked["extract"] = extract.name
                if method != "POST":
                    status, media_type, body = self._file(environ, extract, file_name)
                    asked["file"] = file_name
                    body.when_closed = until_sent.pop_all().close
                    return status, media_type, body
            limits.check_headers(environ, _RECEIPT_BYTES, ("text/plain",))
            shown = limits.read_body(environ, _RECEIPT_BYTES, self.settings.read_timeout_seconds)
            with at_work():
                return 200, _JSON, _json(self._confirmed(extract, token, shown))

    def _file(self, environ: dict[str, Any], extract: Extract, name: str) -> tuple[int, str, FileBody]:
        found = open_file(self.deliverer.producer, extract, name)
        media_type = _MEDIA_TYPES.get(PurePath(name).suffix, "application/octet-stream")
        return file_answer(environ, found.file, found.size, found.sha256, media_type)

    def _confirmed(self, extract: Extract, token: ExtractToken, shown: bytes) -> dict[str, Any]:
        """The extract as it is after the receipt."""
        said = shown.decode("ascii", "replace").strip().lower()
        return _shown(confirm(self.deliverer, extract, said, f"http:{token.name}"))


def _authenticated(environ: dict[str, Any]) -> ExtractToken:
    scheme, _, shown = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
    token = tokens.find(shown.strip()) if scheme.lower() == "bearer" else None
    if token is None:
        raise DownloadForbidden
    return token


def _list(subscription: Subscription) -> dict[str, Any]:
    """Every extract of a subscription, the first first."""
    rows = Extract.select().where(Extract.subscription == subscription).order_by(Extract.sequence)
    return {
        "subscription": subscription.name,
        "receiver": subscription.receiver,
        "extracts": [_shown(extract) for extract in rows],
    }


def _shown(extract: Extract) -> dict[str, Any]:
    produced, delivered = extract.produced_at, extract.delivered_at
    return {
        "extract": extract.name,
        "sequence": extract.sequence,
        "mode": "full" if extract.full else "delta",
        "state": extract.state,
        "ordered_at": isoformat(extract.ordered_at),
        "produced_at": isoformat(produced) if produced is not None else None,
        "delivered_at": isoformat(delivered) if delivered is not None else None,
        "manifest": f"{extract.name}{manifest.ENDING}" if extract.state in MADE else None,
    }


def _json(whole: dict[str, Any]) -> bytes:
    return (json.dumps(whole, ensure_ascii=False, indent=2) + "\n").encode()
