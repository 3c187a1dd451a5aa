# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is told of a certificate, however odd it is; tests/mail has servers that show one."""

import datetime
import hashlib
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from hypothesis import example, given
from hypothesis import strategies as st

from cockpit_getmail.remote import certificate
from tests.support.certificates import Authority
from tests.support.schemas import check_schema

TRUST = {"trusted": False, "reason": "No."}


def make(common_name: str, names: list[x509.GeneralName]) -> bytes:
    """Return a certificate in DER."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    builder = x509.CertificateBuilder(subject, subject, key.public_key(), 1)
    builder = builder.not_valid_before(datetime.datetime(1955, 1, 1, tzinfo=datetime.UTC))
    builder = builder.not_valid_after(datetime.datetime(9999, 12, 31, tzinfo=datetime.UTC))
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)


def tell(der: bytes) -> dict[str, object]:
    """Return what root takes of what is told of a certificate."""
    found = certificate.check({}, {**certificate._describe(der), **TRUST})
    check_schema("read/certificate.output.json", found)
    return found


def test_all_of_a_good_one_is_told(tmp_path: Path) -> None:
    issued = Authority(tmp_path).issue(["mail.example", "192.0.2.1"])
    found = tell(issued.der)
    assert found["names"] == ["mail.example", "192.0.2.1"]
    assert (found["subject"], found["issuer"]) == ("CN=Test server", "CN=Test authority")
    assert found["fingerprint"] == issued.fingerprint
    assert found["pem"] == issued.pem.read_text()


def test_one_without_names_and_of_other_centuries() -> None:
    found = tell(make("x", []))
    assert (found["names"], found["not_before"], found["not_after"]) == ([], -473385600, 253402214400)


def test_one_that_is_meant_for_no_terminal() -> None:
    mail = x509.RFC822Name("a@b.example")
    found = tell(make("\x1b[2J\u202e", [x509.DNSName("a\x1b[2J"), mail, x509.IPAddress(ip_address("::1"))]))
    assert found["names"] == ["a\\x1b[2J", "::1"]
    assert "\x1b" not in str(found)
    many: list[x509.GeneralName] = [x509.DNSName(f"{number}.example") for number in range(1200)]
    assert len(tell(make("x", many))["names"]) == certificate.NAMES_LIMIT  # type: ignore[arg-type]


@given(st.binary())
def test_what_is_none_is_told_as_far_as_it_goes(octets: bytes) -> None:
    found = tell(octets or b"\0")
    assert found["fingerprint"] == hashlib.sha256(octets or b"\0").hexdigest()
    assert found["not_after"] is None


SOUND = make("common name", [x509.DNSName("a.example"), x509.IPAddress(ip_address("::1"))])


@pytest.mark.parametrize(
    ("octets", "odd"),
    [(b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x05"), (b"\x0c\x0bcommon name", b"\x03\x0b\0ommon name")],
    ids=["a version that there is not", "a name of bits"],
)
def test_one_that_no_authority_would_sign_is_shown(octets: bytes, odd: bytes) -> None:
    assert octets in SOUND
    der = SOUND.replace(octets, odd)
    assert tell(der)["fingerprint"] == hashlib.sha256(der).hexdigest()


@given(st.integers(0, len(SOUND) - 1), st.integers(0, 255))
@example(SOUND.index(b"\x02\x01\x01") + 2, 0x80)
def test_any_octet_of_one_may_be_another(place: int, octet: int) -> None:
    tell(SOUND[:place] + bytes([octet]) + SOUND[place + 1 :])


@pytest.mark.parametrize(
    "change",
    [
        {"pem": "x"},
        {"pem": None},
        {"fingerprint": "0"},
        {"not_after": "x"},
        {"not_after": 1 << 60},
        {"trusted": 1},
    ],
)
def test_what_root_does_not_believe(change: dict[str, object]) -> None:
    with pytest.raises((ValueError, TypeError)):
        certificate.check({}, {**certificate._describe(b"\0"), **TRUST, **change})
