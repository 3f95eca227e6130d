"""Addresses that users give: whatever leads inside is refused, in whatever form it is written."""

import pytest

from sigdep.adapters.outgoing.addresses import AddressRefused, AddressRules

RULES = AddressRules()
ALLOWING = AddressRules.parse("127.0.0.0/8, 10.1.0.0/16,fd00:1::/32,")

INSIDE = [
    *("0.0.0.0", "0.1.2.3", "10.0.0.1", "100.64.0.1", "127.0.0.1", "127.1.2.3", "169.254.169.254", "172.16.0.1"),
    *("172.31.255.255", "192.0.0.1", "192.0.2.1", "192.168.0.1", "198.18.0.1", "198.51.100.7", "203.0.113.9"),
    *("224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255"),
    *("::", "::1", "::ffff:127.0.0.1", "::ffff:7f00:1", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::10.0.0.1"),
    *("64:ff9b:1::1", "100::1", "2001::1", "2001:db8::1", "2002:7f00:1::", "3fff::1", "5f00::1", "fc00::1", "fd12::1"),
    *("fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1", "::ffff:0:127.0.0.1"),
]
OUTSIDE = ["1.1.1.1", "8.8.8.8", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "64:ff9b::101:101", "::ffff:8.8.8.8"]


def host(address: str) -> str:
    return f"[{address}]" if ":" in address else address


@pytest.mark.parametrize("address", INSIDE)
def test_nothing_is_sent_inside(address: str) -> None:
    assert not RULES.permits(address, encrypted=True)
    with pytest.raises(AddressRefused, match=r"SIGDEP_OUTGOING_ALLOW|neither a name|no URL|is a URL of"):
        RULES.check(f"https://{host(address)}/hook")


@pytest.mark.parametrize("address", OUTSIDE)
def test_what_is_outside_is_reached_with_tls_alone(address: str) -> None:
    assert RULES.permits(address, encrypted=True)
    RULES.check(f"https://{host(address)}/hook")
    assert not RULES.permits(address, encrypted=False)
    with pytest.raises(AddressRefused, match="https://"):
        RULES.check(f"http://{host(address)}/hook")


@pytest.mark.parametrize("address", ["127.0.0.1", "10.1.2.3", "::ffff:10.1.2.3", "fd00:1::5", "64:ff9b::10.1.2.3"])
def test_an_operator_allows_ranges_also_without_tls(address: str) -> None:
    for encrypted in (True, False):
        assert ALLOWING.permits(address, encrypted=encrypted)
    ALLOWING.check(f"http://{host(address)}:8080/hook")


@pytest.mark.parametrize("address", ["10.2.0.1", "169.254.169.254", "fd00:2::1", "::1"])
def test_and_nothing_beside_them(address: str) -> None:
    assert not ALLOWING.permits(address, encrypted=True)


@pytest.mark.parametrize(
    "text",
    [
        *("2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "127.1", "127.0.1", "017700000001", "1.2.3.4.5", "0x7f"),
        *("localhost", "LOCALHOST", "a.localhost", "localhost.", "127.0.0.1.", "example.com.", ".", "", "-", "a..b"),
        *("ex%61mple.com", "exa mple.com", "127。0。0。1", "①②⑦.0.0.1", "[::1%25lo]", "[v1.a]", "[::1"),
        *("user@example.com", "user:password@example.com", "@example.com", "example.com:22", "example.com:0"),
        *("example.com:99999", "example.com:x", "example.com\\@127.0.0.1", "example.com\t", "example.com\r\nX:y"),
    ],
)
def test_a_host_in_a_form_that_programs_read_differently_is_refused(text: str) -> None:
    with pytest.raises(AddressRefused, match=r"\.") as refused:
        RULES.check(f"https://{text}/hook")
    assert "password" not in str(refused.value).replace("a password", "")


@pytest.mark.parametrize("url", ["file:///etc/passwd", "gopher://example.com/", "ftp://example.com/", "//example.com/"])
def test_a_scheme_but_the_webs_is_refused(url: str) -> None:
    with pytest.raises(AddressRefused, match="https://"):
        RULES.check(url)


@pytest.mark.parametrize("url", ["", "example.com", "https:/example.com", "https://" + "x" * 2_048, "data:,x"])
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(AddressRefused):
        RULES.check(url)


@pytest.mark.parametrize(
    "url", ["https://hooks.example.com/a?b=c#d", "https://xn--bcher-kva.example:8443/", "https://a_b.example/%20"]
)
def test_an_ordinary_address_is_taken(url: str) -> None:
    assert RULES.check(url).scheme == "https"


@pytest.mark.parametrize("ranges", ["10.0.0.0/33", "intranet", "10.0.0.1/8"])
def test_a_range_that_is_none_is_refused(ranges: str) -> None:
    with pytest.raises(ValueError, match=r"\d|intranet"):
        AddressRules.parse(ranges)


@pytest.mark.parametrize("rules", [RULES, ALLOWING])
def test_whoever_should_encrypt_is_told_so_only_where_that_would_help(rules: AddressRules) -> None:
    with pytest.raises(AddressRefused, match="TLS"):
        rules.check("http://1.1.1.1/hook")
    with pytest.raises(AddressRefused, match="SIGDEP_OUTGOING_ALLOW"):
        rules.check("http://192.168.0.1/hook")
