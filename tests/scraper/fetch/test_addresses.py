import pytest

from scraper.fetch.addresses import AddressGuard

PUBLIC = [
    "1.1.1.1",
    "8.8.8.8",
    "100.63.255.255",
    "100.128.0.0",
    "172.15.255.255",
    "172.32.0.0",
    "192.0.1.0",
    "192.88.98.255",
    "198.17.255.255",
    "223.255.255.255",
    "2606:4700:4700::1111",
    "2001:4860:4860::8888",
    "2a00:1450::1",
]
REFUSED = {
    "unspecified": "0.0.0.0",
    "this_network": "0.1.2.3",
    "private_10": "10.0.0.1",
    "private_172": "172.16.0.1",
    "private_172_end": "172.31.255.255",
    "private_192": "192.168.1.1",
    "shared_carrier": "100.64.0.1",
    "shared_carrier_end": "100.127.255.255",
    "loopback": "127.0.0.1",
    "loopback_end": "127.255.255.254",
    "link_local": "169.254.1.1",
    "cloud_metadata": "169.254.169.254",
    "protocol_assignments": "192.0.0.8",
    "documentation_1": "192.0.2.1",
    "documentation_2": "198.51.100.1",
    "documentation_3": "203.0.113.1",
    "relay_6to4": "192.88.99.1",
    "benchmarking": "198.18.0.1",
    "multicast": "224.0.0.1",
    "reserved": "240.0.0.1",
    "broadcast": "255.255.255.255",
    "unspecified_6": "::",
    "loopback_6": "::1",
    "compatible": "::7f00:1",
    "compatible_public": "::8.8.8.8",
    "mapped_loopback": "::ffff:127.0.0.1",
    "mapped_public": "::ffff:8.8.8.8",
    "translated": "::ffff:0:127.0.0.1",
    "nat64": "64:ff9b::7f00:1",
    "nat64_local": "64:ff9b:1::1",
    "discard": "100::1",
    "teredo": "2001::1",
    "orchid": "2001:20::1",
    "benchmarking_6": "2001:2::1",
    "documentation_6": "2001:db8::1",
    "documentation_6_new": "3fff::1",
    "relay_6to4_loopback": "2002:7f00:1::",
    "segment_routing": "5f00::1",
    "unique_local": "fd12::1",
    "unique_local_aws": "fd00:ec2::254",
    "link_local_6": "fe80::1",
    "link_local_zone": "fe80::1%eth0",
    "site_local": "fec0::1",
    "multicast_6": "ff02::1",
    "no_address": "what",
    "legacy_octal": "0177.0.0.1",
}


@pytest.mark.parametrize("ip", PUBLIC)
def test_a_public_address_is_asked(ip: str):
    assert AddressGuard().address_verdict("a.example", ip) == "ok"


@pytest.mark.parametrize("ip", PUBLIC)
def test_no_public_address_is_asked_without_a_contact(ip: str):
    assert AddressGuard(public=False).address_verdict("a.example", ip) == "blocked"


@pytest.mark.parametrize("ip", REFUSED.values(), ids=REFUSED)
def test_a_special_address_is_refused(ip: str):
    assert AddressGuard().address_verdict("a.example", ip) == "blocked"


@pytest.mark.parametrize(
    ("hostname", "verdict"),
    [
        ("a.example", "ok"),
        ("8.8.8.8", "ok"),
        ("[2606:4700::1]", "ok"),
        ("127.0.0.1", "blocked"),
        ("169.254.169.254", "blocked"),
        ("[::1]", "blocked"),
        ("[::ffff:a00:1]", "blocked"),
        ("localhost", "blocked"),
        ("LOCALHOST.", "blocked"),
        ("a.b.localhost", "blocked"),
        ("notlocalhost", "ok"),
    ],
)
def test_the_host_of_a_url_is_judged_before_it_is_resolved(hostname: str, verdict: str):
    assert AddressGuard().host_verdict(hostname) == verdict


@pytest.mark.parametrize(
    ("allow", "hostname", "ip", "allowed"),
    [
        (["127.0.0.0/8"], "a.example", "127.0.0.1", True),
        (["127.0.0.0/8"], "a.example", "10.0.0.1", False),
        (["127.0.0.0/8"], "a.example", "::ffff:127.0.0.1", False),
        (["10.0.0.5"], "a.example", "10.0.0.5", True),
        (["10.0.0.5"], "a.example", "10.0.0.6", False),
        (["fd00::/8"], "a.example", "fd00::1", True),
        (["[::1]"], "a.example", "::1", True),
        (["intra.example"], "intra.example", "10.0.0.1", True),
        (["intra.example"], "Www.Intra.Example.", "10.0.0.1", True),
        (["*.intra.example"], "www.intra.example", "10.0.0.1", True),
        (["intra.example"], "notintra.example", "10.0.0.1", False),
        (["bücher.example"], "xn--bcher-kva.example", "10.0.0.1", True),
        (["localhost"], "a.localhost", "127.0.0.1", True),
    ],
)
def test_what_is_allowed_is_let_through_even_without_a_contact(allow, hostname, ip, allowed):
    verdict = AddressGuard(allow=allow, public=False).address_verdict(hostname, ip)
    assert (verdict == "ok") is allowed


@pytest.mark.parametrize(
    ("deny", "hostname", "verdict"),
    [
        (["bad.example"], "bad.example", "out_of_scope"),
        (["bad.example"], "www.bad.example", "out_of_scope"),
        (["bad.example"], "notbad.example", "ok"),
        (["8.8.0.0/16"], "8.8.8.8", "out_of_scope"),
        (["2606:4700::/32"], "[2606:4700::1]", "out_of_scope"),
        (["127.0.0.0/8"], "localhost", "out_of_scope"),
    ],
)
def test_what_is_denied_is_out_of_scope_although_allowed(deny, hostname, verdict):
    guard = AddressGuard(allow=[*deny, "127.0.0.0/8"], deny=deny)

    assert guard.host_verdict(hostname) == verdict


@pytest.mark.parametrize("deny", ["8.8.0.0/16", "8.8.8.8", "example", "www.a.example"])
def test_a_name_that_is_denied_or_leads_to_a_denied_address_is_out_of_scope(deny: str):
    guard = AddressGuard(deny=[deny])

    assert guard.address_verdict("www.a.example", "8.8.8.8") == "out_of_scope"


ONLY = {
    "a name in it": (["shop.example"], "www.shop.example", "ok"),
    "a name out of it": (["shop.example"], "a.example", "out_of_scope"),
    "a name that may lead there": (["8.8.8.0/24"], "a.example", "ok"),
    "an address in it": (["8.8.8.0/24"], "8.8.8.8", "ok"),
    "an address out of it": (["8.8.8.0/24"], "9.9.9.9", "out_of_scope"),
    "a private one in it is still private": (["10.0.0.0/8"], "10.0.0.1", "blocked"),
    "nothing said": ([], "a.example", "ok"),
}


@pytest.mark.parametrize(("only", "hostname", "verdict"), ONLY.values(), ids=ONLY)
def test_only_what_is_named_is_asked(only, hostname, verdict):
    assert AddressGuard(only=only).host_verdict(hostname) == verdict


def test_a_name_that_leads_out_of_what_is_named_is_out_of_scope():
    guard = AddressGuard(only=["8.8.8.0/24"])
    assert guard.address_verdict("a.example", "8.8.8.8") == "ok"
    assert guard.address_verdict("a.example", "9.9.9.9") == "out_of_scope"
