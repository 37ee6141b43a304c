"""One service as a SoapUI project: contract, a request for each operation, a test case for each."""

from __future__ import annotations

from importlib.resources import files
from urllib.parse import unquote

from lxml import etree

from opus_soap.errors import RequestExampleMissing
from opus_soap.soap.contracts import Operation
from opus_soap.soap.service import SoapService
from opus_soap.soapui.elements import XSI, add, add_item, add_plain, add_whole, root
from opus_soap.soapui.security import INCOMING, OUTGOING, Keys, add_security
from opus_soap.wss.names import LIBERTY_BASIC, SBF, SBF_PROFILE, SOAP11, WSA

_CONTEXT = "http://kombit.dk/xml/schemas/kontekst/2017/01/01/"
_WSDL, _XSD = "http://schemas.xmlsoap.org/wsdl/", "http://www.w3.org/2001/XMLSchema"
_IMPORTS = (f"{{{_WSDL}}}import", f"{{{_XSD}}}include", f"{{{_XSD}}}import")
_HERE = "${projectDir}"  # SoapUI finds the keystores beside the project
_NEW_ID = "urn:uuid:${=java.util.UUID.randomUUID()}"
# what must be there before an example is more than refused; it is switched off until then
_SUBSCRIBED = (
    "The system needs a subscription (opus-soap extracts subscribe LIS --system …). "
    "Set the names to those of its extract, and enable the test case."
)
_PREPARED = {
    **dict.fromkeys(("BestilUdtraek", "HentUdtraek", "HentUdtraekFil", "KvitterUdtraek"), _SUBSCRIBED),
    "ModtagFinansbilag": "The system needs a sender of postings (opus-soap postings senders add). "
    "Set the dates to an open period, and enable the test case.",
}
_CASE = {
    "failOnError": "true",
    "failTestCaseOnErrors": "true",
    "keepSession": "false",
    "maxResults": "0",
    "searchProperties": "true",
}


def project(service: SoapService, address: str, keys: Keys, profile: str) -> bytes:
    """The project file; `address` is the service's own URL. Raises `RequestExampleMissing`."""
    whole = root(
        "soapui-project",
        **{"name": f"opus-soap {service.name}", "soapui-version": "5.7.0", "resourceRoot": _HERE},
        abortOnError="false",
        runType="SEQUENTIAL",
    )
    add(whole, "settings")
    maker = _Project(service, address, profile)
    maker.add_interface(whole)
    maker.add_tests(whole)
    add_security(whole, keys, profile)
    return etree.tostring(whole, xml_declaration=True, encoding="UTF-8", pretty_print=True)


def example(operation: Operation) -> etree._Element:
    """The body of an example request; raises `RequestExampleMissing`."""
    file = files("opus_soap.soapui") / "requests" / f"{operation.name}.xml"
    if not file.is_file():
        raise RequestExampleMissing(element=operation.name)
    return etree.fromstring(file.read_bytes())


class _Project:
    """What the parts of one project share."""

    def __init__(self, service: SoapService, address: str, profile: str) -> None:
        self._service = service
        self._address = address
        self._profile = profile
        self._binding = f"{service.name}ServiceBinding"
        self._operations = sorted(service.contract.operations.values(), key=lambda one: one.name)

    def add_interface(self, whole: etree._Element) -> None:
        """The contract, whole, so that the project opens without the server."""
        namespace = etree.QName(self._operations[0].request).namespace
        interface = add_item(whole, "interface", self._binding, self._service.name)
        interface.set(f"{{{XSI}}}type", "con:WsdlInterface")
        for name, value in (
            ("wsaVersion", "NONE"),
            ("type", "wsdl"),
            ("bindingName", f"{{{namespace}}}{self._binding}"),
            ("soapVersion", "1_1"),
            ("anonymous", "optional"),
            ("definition", f"{self._address}?wsdl"),
        ):
            interface.set(name, value)
        self._add_definition(interface)
        add(add(interface, "endpoints"), "endpoint", self._address)
        for operation in self._operations:
            self._add_operation(interface, operation)

    def _add_definition(self, interface: etree._Element) -> None:
        """Every file that the contract imports, under the address at which the server gives it."""
        first = f"{self._address}?wsdl"
        cache = add(interface, "definitionCache", type="TEXT", rootPart=first)
        waiting, seen = [first], {first}
        while waiting:
            address = waiting.pop(0)
            kind, _, path = address.rpartition("?")[2].partition("=")
            document = etree.fromstring(self._service.contract.serve(unquote(path), self._address))
            part = add(cache, "part")
            add(part, "url", address)
            add_whole(part, "content", _text(document))
            add(part, "type", _XSD if kind == "xsd" else _WSDL)
            imported = [
                node.get("location") or node.get("schemaLocation") for node in document.iter(*_IMPORTS)
            ]
            fresh = [one for one in imported if one and one not in seen]
            waiting += fresh
            seen.update(fresh)

    def _add_operation(self, interface: etree._Element, operation: Operation) -> None:
        item = add_item(interface, "operation", operation.name, self._service.name)
        for name, value in (
            ("action", operation.soap_action),
            ("bindingOperationName", operation.name),
            ("inputName", operation.name),
            ("outputName", operation.name),
            ("type", "Request-Response"),
            ("isOneWay", "false"),
            ("sendsAttachments", "false"),
            ("receivesAttachments", "false"),
            ("anonymous", "optional"),
        ):
            item.set(name, value)
        call = self._add_request(item, "call", operation)
        self._end_request(call, operation)

    def add_tests(self, whole: etree._Element) -> None:
        """A suite with a case for each operation."""
        suite = add_item(whole, "testSuite", f"{self._service.name} TestSuite", self._service.name)
        add(suite, "runType", "SEQUENTIAL")
        for operation in self._operations:
            self._add_case(suite, operation)

    def _add_case(self, suite: etree._Element, operation: Operation) -> None:
        case = add_item(suite, "testCase", operation.name, self._service.name)
        for name, value in _CASE.items():
            case.set(name, value)
        if operation.name in _PREPARED:
            case.set("disabled", "true")
            description = add(case, "description", _PREPARED[operation.name])
            case.insert(0, description)  # SoapUI reads a description before the settings
        step = add_item(case, "testStep", operation.name, self._service.name, type="request")
        config = add(step, "config")
        config.set(f"{{{XSI}}}type", "con:RequestStep")
        add(config, "interface", self._binding)
        add(config, "operation", operation.name)
        request = self._add_request(config, "request", operation)
        for kind, name in (
            ("SOAP Response", "SOAP Response"),
            ("SOAP Fault Assertion", "Not SOAP Fault"),  # SoapUI's own names for it
            ("Schema Compliance", "Schema Compliance"),
            ("WSS Status Assertion", "WS-Security Status"),
        ):
            assertion = add_item(request, "assertion", name, self._service.name, operation.name, type=kind)
            add(assertion, "configuration")
        self._add_match(request, operation)
        self._end_request(request, operation)

    def _add_match(self, request: etree._Element, operation: Operation) -> None:
        """The answer is to this request."""
        label = "TransaktionsId"
        assertion = add_item(
            request, "assertion", label, self._service.name, operation.name, type="XPath Match"
        )
        configuration = add(assertion, "configuration")
        path = f"declare namespace c='{_CONTEXT}';\n//c:HovedOplysningerSvar/c:TransaktionsId"
        sent = example(operation).findtext(f".//{{{_CONTEXT}}}TransaktionsId", "")
        add_plain(configuration, "path", f"{path}/text()")
        add_plain(configuration, "content", sent)
        for name in ("allowWildcards", "ignoreNamspaceDifferences", "ignoreComments"):  # as SoapUI spells it
            add_plain(configuration, name, "false")

    def _add_request(self, parent: etree._Element, kind: str, operation: Operation) -> etree._Element:
        label = "Eksempel" if kind == "call" else operation.name
        request = add_item(parent, kind, label, self._service.name, operation.name)
        request.set("outgoingWss", OUTGOING)
        request.set("incomingWss", INCOMING)
        add(request, "encoding", "UTF-8")
        add(request, "endpoint", self._address)
        add_whole(request, "request", self._envelope(operation))
        return request

    def _end_request(self, request: etree._Element, operation: Operation) -> None:
        """What comes after the assertions."""
        add(add(request, "credentials"), "authType", "No Authorization")
        add(request, "jmsConfig", JMSDeliveryMode="PERSISTENT")
        add(request, "jmsPropertyConfig")
        add(request, "wsaConfig", mustUnderstand="NONE", version="200508", action=operation.soap_action)
        add(request, "wsrmConfig", version="1.2")

    def _envelope(self, operation: Operation) -> str:
        """The message without its signature, which SoapUI puts into the header."""
        envelope = etree.Element(f"{{{SOAP11}}}Envelope", nsmap={"soapenv": SOAP11})
        header = etree.SubElement(envelope, f"{{{SOAP11}}}Header")
        if self._profile == "kombit":
            _add_headers(header, operation)
        etree.SubElement(envelope, f"{{{SOAP11}}}Body").append(example(operation))
        etree.indent(envelope, "  ")
        return _text(envelope)


def _add_headers(header: etree._Element, operation: Operation) -> None:
    """What the profile asks for beside the signature; every request has an id of its own."""
    framework = etree.SubElement(header, f"{{{SBF}}}Framework", nsmap={"sbf": SBF, "sbfp": SBF_PROFILE})
    framework.set("version", "2.0")
    framework.set(f"{{{SBF_PROFILE}}}profile", LIBERTY_BASIC)
    for name, value in (("Action", operation.soap_action), ("MessageID", _NEW_ID)):
        etree.SubElement(header, f"{{{WSA}}}{name}", nsmap={"wsa": WSA}).text = value


def _text(element: etree._Element) -> str:
    return etree.tostring(element, encoding="unicode")
