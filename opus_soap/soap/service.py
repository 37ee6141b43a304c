"""A service as an interface brings it: its contract, its place, its operations behind Spyne.

An interface writes a Spyne `Service` whose methods are decorated with `operation`; each gets the Spyne
context, whose `udc` is the `CallContext`, and the request model, and returns the response model. It
runs inside the message's transaction: raising undoes everything and becomes a signed fault.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from lxml import etree

from opus_soap.errors import AnswerInvalid, BodyInvalid, ValueUnreadable
from opus_soap.soap.contracts import Contract, load_contract
from opus_soap.soap.models import Ping_I, Ping_O, answer_header
from opus_soap.soap.reading import Reader
from opus_soap.soap.writing import Writer
from opus_soap.store.models import System
from opus_soap.wss.lifting import Lifted

import spyne  # isort: skip
from spyne.protocol.soap import Soap11  # isort: skip
from spyne.server import ServerBase  # isort: skip

_ENVELOPE_NS = "http://schemas.xmlsoap.org/soap/envelope/"


@dataclass(frozen=True)
class CallContext:
    """Who calls, as the signature and the agreement say, and what the call is known by."""

    system: System
    municipality: str
    message_id: str  # wsa:MessageID, or the replay key when the caller's profile has none
    correlation_id: UUID
    now: datetime
    lifted: Lifted = field(default_factory=dict, repr=False)  # contents that the body had


def operation(request: Any, response: Any) -> Callable[[Callable[..., Any]], Any]:
    """Declare a method `(ctx, request)` as an operation; its name is the operation's in the contract."""
    decorated: Callable[[Callable[..., Any]], Any] = spyne.rpc(
        request,
        _returns=response,
        _body_style="bare",
        _in_message_name=request.get_type_name(),
        _out_message_name=response.get_type_name(),
    )
    return decorated


class PingService(spyne.Service):  # type: ignore[misc]
    """`Ping`: the answer says that the caller is known and may call."""

    @operation(Ping_I, Ping_O)
    def Ping(ctx: Any, besked: Any) -> Any:
        """Repeat the caller's header."""
        return Ping_O(HovedOplysningerSvar=answer_header(besked))


class ContractProtocol(Soap11):  # type: ignore[misc]
    """SOAP 1.1 fed with a tree, not with bytes; values read and written exactly as XML Schema has them."""

    def __init__(self) -> None:
        super().__init__(validator=None, polymorphic=False, parse_xsi_type=False, cleanup_namespaces=False)
        self._reader, self._writer = Reader(self.from_unicode), Writer(self.to_unicode)

    def complex_from_element(self, ctx: Any, cls: Any, element: etree._Element) -> Any:
        """A structure, read by `Reader`."""
        return self._reader.read(cls, element, ctx.udc.lifted if ctx is not None else {})

    def complex_to_parent(
        self, ctx: Any, cls: Any, inst: Any, parent: etree._Element, ns: str, name: str, **_: Any
    ) -> None:
        """A structure, written by `Writer`."""
        self._writer.write(cls, inst, parent, f"{{{ns}}}{name}")

    def create_in_document(self, ctx: Any, charset: str | None = None) -> None:
        """The tree, and no ids: so that Spyne has no references to resolve."""
        ctx.in_document = (ctx.in_string, {})


class _Application(spyne.Application):  # type: ignore[misc]
    """An application whose exceptions reach the caller as they are; the front makes the faults."""

    def process_request(self, ctx: Any) -> None:
        """Call the operation."""
        ctx.in_object = [ctx.in_object]
        ctx.out_object = [self.call_wrapper(ctx)]


class _Server(ServerBase):  # type: ignore[misc]
    transport = "http://schemas.xmlsoap.org/soap/http"


@dataclass(frozen=True)
class SoapService:
    """One service at one path.

    `name` is the folder of the contract in `wsdl/` and the name that an agreement grants; `entity_id`
    is the audience of tokens for it, and an accepted wsa:To.
    """

    name: str
    path: str
    entity_id: str
    services: Sequence[type[Any]]
    contract: Contract = field(init=False)
    _server: Any = field(init=False, repr=False)

    def __post_init__(self) -> None:
        contract = load_contract(self.name)
        namespace = etree.QName(next(iter(contract.operations))).namespace
        application = _Application(
            list(self.services),
            tns=namespace,
            name=self.name,
            in_protocol=ContractProtocol(),
            out_protocol=ContractProtocol(),
        )
        object.__setattr__(self, "contract", contract)
        object.__setattr__(self, "_server", _Server(application))

    def dispatch(self, body: etree._Element, context: CallContext) -> etree._Element:
        """Call the operation of a body that has been validated; returns the answer, validated too.

        Raises what the operation raises, `ValueUnreadable`, and `AnswerInvalid` when the operation's
        answer does not keep to the contract.
        """
        server = self._server
        call = spyne.MethodContext(server, spyne.MethodContext.SERVER)
        call.udc = context
        call.in_string = _envelope(body)
        (call,) = server.generate_contexts(call)
        if call.in_error is None:
            try:
                server.get_in_object(call)
            except (ValueError, ArithmeticError):  # year 0000, an hour of 24: legal, but no instant here
                raise ValueUnreadable from None
        if call.in_error is not None:
            raise ValueUnreadable from None
        server.get_out_object(call)
        call.out_protocol.serialize(call, call.out_protocol.RESPONSE)
        answer: etree._Element = call.out_body_doc[0]
        call.out_body_doc.remove(answer)  # away from the dozen prefixes that Spyne declares above it
        etree.cleanup_namespaces(answer)
        try:
            self.contract.validate(answer)
        except BodyInvalid as deviation:
            raise AnswerInvalid(element=deviation.element, expected=deviation.expected) from deviation
        return answer


def _envelope(body: etree._Element) -> etree._Element:
    envelope = etree.Element(f"{{{_ENVELOPE_NS}}}Envelope")
    etree.SubElement(envelope, f"{{{_ENVELOPE_NS}}}Body").append(body)
    return envelope
