"""A project is whole in itself: what it names is there, what it sends keeps to the contract."""

from __future__ import annotations

import stat

import pytest
from cryptography.hazmat.primitives.serialization import pkcs12
from lxml import etree

from opus_soap.errors import CertificateFileInvalid, RequestExampleMissing
from opus_soap.soap.contracts import Operation
from opus_soap.soapui.project import example
from opus_soap.soapui.security import PARTS
from opus_soap.wss.certificates import load_pem
from opus_soap.wss.verification import REQUIRED_PARTS
from tests.soapui.conftest import CON, URL, export_from, find

SOAP = "{http://schemas.xmlsoap.org/soap/envelope/}"
LOCATIONS = ("{http://schemas.xmlsoap.org/wsdl/}import", "{http://www.w3.org/2001/XMLSchema}include",
             "{http://www.w3.org/2001/XMLSchema}import")  # fmt: skip


def test_a_project_for_each_service(projects, offered):
    assert set(projects) == {service.name for service in offered}
    for name, root in projects.items():
        assert root.tag == f"{{{CON['con']}}}soapui-project"
        assert root.get("name") == f"opus-soap {name}"
        ids = find(root, "//@id")
        assert len(ids) == len(set(ids))


def test_every_request_keeps_to_the_contract(projects, offered):
    for service in offered:
        texts = find(projects[service.name], "//con:call/con:request/text()")
        texts += find(projects[service.name], "//con:testStep//con:request/con:request/text()")
        assert len(texts) == 2 * len(service.contract.operations)
        for text in texts:
            [body] = etree.fromstring(text).find(f"{SOAP}Body")
            service.contract.validate(body)


def test_operations_actions_and_endpoints_are_those_of_the_contract(projects, offered):
    for service in offered:
        root = projects[service.name]
        operations = {one.name: one.soap_action for one in service.contract.operations.values()}
        assert {
            one.get("name"): one.get("action") for one in find(root, "//con:interface/con:operation")
        } == operations
        assert set(find(root, "//con:endpoint/text()")) == {f"{URL}{service.path}"}
        for request in find(root, "//con:call | //con:testStep//con:request[con:request]"):
            [body] = etree.fromstring(find(request, "con:request/text()")[0]).find(f"{SOAP}Body")
            sent = service.contract.operations[body.tag]
            assert find(request, "con:wsaConfig/@action") == [sent.soap_action]


def test_the_contract_is_in_the_project_with_all_that_it_imports(projects, offered):
    for service in offered:
        root = projects[service.name]
        [interface] = find(root, "//con:interface[con:settings]")
        parts = dict(
            zip(
                find(interface, "con:definitionCache/con:part/con:url/text()"),
                find(interface, "con:definitionCache/con:part/con:content/text()"),
                strict=True,
            )
        )
        assert interface.get("definition") == find(interface, "con:definitionCache/@rootPart")[0]
        assert interface.get("definition") in parts
        for content in parts.values():
            for node in etree.fromstring(content).iter(*LOCATIONS):
                location = node.get("location") or node.get("schemaLocation")
                assert location is None or location in parts
        main = etree.fromstring(parts[interface.get("definition")])
        name = main.find("{*}binding").get("name")
        assert interface.get("bindingName") == f"{{{main.get('targetNamespace')}}}{name}"
        assert interface.get("name") == name


def test_what_a_project_names_is_there(projects, exported):
    folder, _ = exported
    for root in projects.values():
        container = find(root, "con:wssContainer")[0]
        assert set(find(root, "//@outgoingWss")) == set(find(container, "con:outgoing/con:name/text()"))
        assert set(find(root, "//@incomingWss")) == set(find(container, "con:incoming/con:name/text()"))
        stores = dict(zip(find(container, "con:crypto/con:source/text()"),
                          find(container, "con:crypto/con:type/text()"), strict=True))  # fmt: skip
        assert all((folder / name).is_file() for name in stores)
        assert stores[find(container, "con:incoming/con:signatureCrypto/text()")[0]] == "TRUSTSTORE"
        assert stores[find(container, "//crypto/text()")[0]] == "KEYSTORE"
        assert set(find(root, "//con:testStep//con:interface/text()")) == set(
            find(root, "con:interface/@name")
        )
        assert set(find(root, "//con:testStep//con:operation/text()")) == set(
            find(root, "//con:interface/con:operation/@name")
        )


def test_the_key_is_under_its_alias_and_ours_alone(projects, exported, keys):
    folder, _ = exported
    store = folder / "case-system.pk12"
    assert stat.S_IMODE(store.stat().st_mode) == 0o600
    [entry] = find(projects["DimensionHent"], "//con:entry[@type='Signature']")
    content = pkcs12.load_pkcs12(store.read_bytes(), entry.get("password").encode())
    assert content.cert.friendly_name.decode() == entry.get("username") == "case-system"
    trusted = pkcs12.load_pkcs12((folder / "opus-trust.pk12").read_bytes(), b"opus-soap")
    assert trusted.key is None
    assert [one.certificate for one in trusted.additional_certs] == [
        *load_pem(keys / "opus.crt.pem"),
        *load_pem(keys / "ca.pem"),
    ]


@pytest.mark.parametrize("profile", ["basic", "kombit"])
def test_what_a_profile_asks_for_is_signed(profile):
    signed = {name for _, name in PARTS[profile]}
    assert set(REQUIRED_PARTS[profile]) <= signed
    assert ("Framework" in signed) == (profile == "kombit")


def test_every_case_asserts_what_matters(projects):
    for root in projects.values():
        for case in find(root, "//con:testCase"):
            kinds = find(case, ".//con:assertion/@type")
            assert kinds == ["SOAP Response", "SOAP Fault Assertion", "Schema Compliance",
                             "WSS Status Assertion", "XPath Match"]  # fmt: skip
            [content] = find(case, ".//content/text()")
            [sent] = find(case, ".//con:request/con:request/text()")
            assert f"<TransaktionsId>{content}</TransaktionsId>" in sent
    disabled = find(projects["FinansbilagModtag"], "//con:testCase[@disabled='true']")
    assert [case.get("name") for case in disabled] == ["ModtagFinansbilag"]
    assert "sender of postings" in find(disabled[0], "con:description/text()")[0]


def test_an_export_is_the_same_every_time(exported, keys, offered, tmp_path):
    folder, profile = exported
    export_from(offered, keys, tmp_path, profile)
    export_from(offered, keys, tmp_path, profile)  # over what is there
    for path in folder.glob("*.xml"):
        assert (tmp_path / path.name).read_bytes() == path.read_bytes()


def test_what_cannot_be_exported(keys, offered, tmp_path):
    for wrong in (
        {"password": "wrong"},
        {"keystore": tmp_path / "none.p12"},
        {"keystore": keys / "opus.crt.pem"},
        {"trusted": (tmp_path / "none.pem",)},
    ):
        with pytest.raises(CertificateFileInvalid):
            export_from(offered, keys, tmp_path / "none", "basic", **wrong)
    assert not (tmp_path / "none").exists()
    with pytest.raises(RequestExampleMissing, match="Ukendt"):
        example(Operation("Ukendt", "", "", ""))
