"""`opus-soap explain`: a message, step by step, what the server said of it, and what to change."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import click
from cryptography import x509
from peewee import PeeweeException

from opus_soap.app import policy, services
from opus_soap.cli.runtime import Runtime, reports_errors
from opus_soap.cli.shown import shown
from opus_soap.database import first_line
from opus_soap.errors import Both, DatabaseFailed, FileFailed, OpusSoapError, mask_cpr
from opus_soap.keys import load_tokens, load_trust
from opus_soap.soap import explaining
from opus_soap.soap.explaining import AgreementExplainer, Archived
from opus_soap.soap.security_models import security_models
from opus_soap.soap.service import SoapService
from opus_soap.store import agreements, content
from opus_soap.store.models import System
from opus_soap.wss.certificates import PinnedOnly, TrustStore, thumbprint
from opus_soap.wss.explaining import Claimed, Explainer, Step

_MARKS = {True: "holds", False: "FAILS", None: "     "}
_FOLDER = Both("en mappe", "a folder")
_NO_FILE = Both("filen findes ikke", "there is no such file")


@dataclass(frozen=True)
class Subject:
    """What is explained: the bytes, when they came, and what the archive knows of them."""

    data: bytes
    at: datetime
    archived: Archived | None = None
    refused: bool = False


@click.command()
@click.argument("message")
@click.option("--at", help="When it came (ISO, with a zone); default: as archived, or now.")
@click.option(
    "--profile",
    type=click.Choice(["kombit", "basic", "sts"]),
    help="What must be signed; default: as in the agreement, or kombit.",
)
@click.option("--audience", help="EntityId of the service; default: that of the body's first element.")
@click.pass_obj
@reports_errors
def explain(
    runtime: Runtime, message: str, at: str | None, profile: str | None, audience: str | None
) -> None:
    """Walk through MESSAGE, a file or an id from the archive (a fault gives a correlation id).

    Tells what the server said of it, headers, each reference with the digest that is said and the one that is
    found, the certificate and who issued it, the token and the issuer that is expected, the time window, the
    rules of the agreement; and what to change. Exit status 1 when the server refused it or something fails.
    """
    subject = _read(runtime, message)
    moment = _moment(at) if at else subject.at
    walk = Walk(runtime, subject, profile, audience)
    steps = walk.steps(moment)
    for step in steps:
        _tell(step)
    failed = any(step.holds is False for step in steps)
    if failed and subject.archived is None and not at:
        _tell_of_its_time(walk, message)
    raise SystemExit(1 if failed or subject.refused else 0)


def _moment(at: str) -> datetime:
    try:
        moment = datetime.fromisoformat(at)
    except ValueError:
        raise click.BadParameter(f"{at} is not such as 2026-11-23T11:00:00Z", param_hint="--at") from None
    if moment.tzinfo is None:
        raise click.BadParameter(f"{at} has no zone; such as 2026-11-23T11:00:00Z", param_hint="--at")
    return moment.astimezone(UTC)


def _read(runtime: Runtime, message: str) -> Subject:
    path = Path(message)
    if path.is_file():
        return Subject(path.read_bytes(), runtime.clock.now())
    if path.is_dir() or path.suffix.lower() == ".xml" or ("/" in message and "://" not in message):
        raise FileFailed(element=message, value=_FOLDER if path.is_dir() else _NO_FILE)
    runtime.open_database()
    found = explaining.find(message)
    word = explaining.word(found)
    _tell(word)  # before the bytes are read, which may have been purged
    data = content.get(found.message.content.sha256)
    return Subject(data, found.message.at, found, refused=word.holds is False)


@dataclass(frozen=True)
class Walk:
    """One message against trust and agreements; at any moment, for what fails by its time alone."""

    runtime: Runtime
    subject: Subject
    profile: str | None
    audience: str | None

    def steps(self, at: datetime) -> list[Step]:
        """Every step, of what the message and the agreement are by now."""
        at, found = at.astimezone(UTC), self.subject.archived
        if found is not None and found.by_us:
            return list(self._of_our_call(found, at))
        return list(self._of_a_request(at))

    def created(self) -> datetime | None:
        """When the message says that it was made."""
        claimed = self._explainer(self.runtime.clock.now()).claimed(self.subject.data)
        return claimed.created if claimed else None

    def _explainer(self, at: datetime) -> Explainer:
        settings, unknown = self.runtime.settings, ""
        try:
            trust = load_trust(settings)
        except OpusSoapError as error:
            if self.subject.archived is not None:  # a server's own: it cannot do without
                raise
            trust, unknown = TrustStore(), str(error)
        return Explainer(
            trust,
            load_tokens(settings),
            policy(settings),
            known=_known(self.runtime, at),
            trust_unknown=unknown,
        )

    def _of_a_request(self, at: datetime) -> Iterator[Step]:
        explainer = self._explainer(at)
        claimed = explainer.claimed(self.subject.data)
        service = self._service(claimed)
        unopened = _opened(self.runtime)
        system = None if unopened else self._system(claimed)
        explainer = replace(
            explainer,
            profile=self.profile or (system.profile if system else "kombit"),
            audience=self.audience or (service.entity_id if service else None),
        )
        yield from explainer.explain(self.subject.data, at)
        if unopened:
            yield Step("Agreement", None, (f"not looked at: {unopened}",))
        elif claimed is not None:
            yield from self._agreement(at, claimed, service, system)

    def _agreement(
        self, at: datetime, claimed: Claimed, service: SoapService | None, system: System | None
    ) -> Iterator[Step]:
        settings, found = self.runtime.settings, self.subject.archived
        offered = [service.name for service in services(settings, self.runtime.clock)]
        explainer = AgreementExplainer(security_models(settings, offered), at)
        taken = found is not None and found.message.outcome == "ok"
        return explainer.explain(claimed, service, system, taken=taken)

    def _service(self, claimed: Claimed | None) -> SoapService | None:
        """The service that was called, or whose contract has the body's element."""
        path = self.subject.archived.service_path if self.subject.archived else ""
        name = "" if claimed is None or claimed.content is None else str(claimed.content.tag)
        for service in services(self.runtime.settings, self.runtime.clock):
            if name in service.contract.operations and path in ("", service.path):
                return service
        return None

    def _system(self, claimed: Claimed | None) -> System | None:
        found = self.subject.archived
        if found is not None and found.message.system is not None:
            return found.message.system
        if claimed is None or claimed.certificate is None:
            return None
        return agreements.agreement_with(thumbprint(claimed.certificate))

    def _of_our_call(self, found: Archived, at: datetime) -> Sequence[Step]:
        """Whether our message holds is for its receiver to judge; a reply must be of a known certificate."""
        system, explainer = found.message.system, self._explainer(at)
        if system is None or found.message.direction == "out":
            return explainer.shape(self.subject.data)
        if system.security_model == "context":
            return [Step("Reply", None, ("nothing is signed: TLS vouched for the receiver",))]
        pinned = PinnedOnly(pinned=tuple(agreements.valid_certificates(system, at)))
        profile = f"{self.profile or system.profile} reply"
        return replace(explainer, trust=pinned, profile=profile).explain(self.subject.data, at)


def _opened(runtime: Runtime) -> str:
    """Why there is no database; empty when there is."""
    try:
        runtime.open_database()
    except OpusSoapError as error:
        return str(error)
    except PeeweeException as error:
        return str(DatabaseFailed(value=first_line(error)))
    return ""


def _known(runtime: Runtime, moment: datetime) -> list[x509.Certificate]:
    """The certificates of the agreements, when there is a database."""
    return [] if _opened(runtime) else list(agreements.all_certificates(moment))


def _tell_of_its_time(walk: Walk, message: str) -> None:
    """A saved file is old by nature; what would hold when it was made is worth a word."""
    created = walk.created()
    if created is None or any(step.holds is False for step in walk.steps(created)):
        return
    at = f"{created:%Y-%m-%dT%H:%M:%SZ}"
    click.echo(
        shown(
            f"\nOnly its time fails: at {at}, when it says it was made, everything holds.\n"
            f"      →  To look at it as of then: opus-soap explain {message} --at {at}"
        )
    )


def _tell(step: Step) -> None:
    click.echo(shown(f"{_MARKS[step.holds]}  {step.name}"))
    for fact in step.facts:
        click.echo(shown(f"         {mask_cpr(fact)}"))
    if step.change:
        click.echo(shown(f"      →  {mask_cpr(step.change)}"))
