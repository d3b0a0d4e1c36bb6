import pytest

from scraper.errors import ConfigError
from scraper.fetch.addresses import AddressGuard
from scraper.fetch.ports import ANY_PORT, allowed_ports, port_of
from scraper.settings import flag_layer, load_settings
from scraper.settings_table import Network
from scraper.urls import parse_url

DEFAULT = Network().ports
PORTS = {
    80: True,
    443: True,
    1024: True,
    8080: True,
    8443: True,
    65_535: True,
    1: False,
    21: False,
    22: False,
    23: False,
    25: False,
    53: False,
    81: False,
    110: False,
    139: False,
    389: False,
    445: False,
    873: False,
    1023: False,
    2375: False,
    3306: False,
    5432: False,
    6000: False,
    6379: False,
    6667: False,
    11_211: False,
    27_017: False,
}


@pytest.mark.parametrize(("port", "asked"), PORTS.items())
def test_which_ports_are_asked_by_default(port, asked):
    assert (port in allowed_ports(DEFAULT)) is asked


@pytest.mark.parametrize(
    ("entries", "port", "asked"),
    [
        (["81"], 81, True),
        (["81"], 80, False),
        (["6379"], 6379, True),
        (["6000-7000"], 6379, False),
        (["6000-7000"], 6380, True),
        (["1-65535"], 22, True),
        ([], 80, False),
    ],
)
def test_a_known_services_port_is_asked_where_it_is_named_alone(entries, port, asked):
    assert (port in allowed_ports(entries)) is asked


@pytest.mark.parametrize(
    ("url", "port"),
    [
        ("http://a.test/", 80),
        ("https://a.test/", 443),
        ("http://a.test:443/", 443),
        ("http://a.test:8080/x", 8080),
        ("http://[::1]/", 80),
        ("http://[::1]:22/", 22),
        ("http://u:22@a.test/", 80),
        ("http://1.2.3.4:6379", 6379),
    ],
)
def test_the_port_of_a_url(url, port):
    parsed = parse_url(url)
    assert parsed is not None
    assert port_of(parsed) == port


@pytest.mark.parametrize(
    ("ports", "told"),
    [
        ("ssh", "expected a port or a range"),
        ("0", "1 to 65535"),
        ("65536", "1 to 65535"),
        ("9-1", "lower one first"),
        ("1-2-3", "expected a port or a range"),
        ("-5", "expected a port or a range"),
    ],
)
def test_a_port_that_is_none_is_refused(ports, told):
    with pytest.raises(ConfigError, match=told):
        load_settings(flag_layer([f'network.ports=["{ports}"]']))


def test_a_port_may_be_given_as_a_number():
    settings = load_settings(flag_layer(["network.ports=8080"]))
    assert settings.all.network.ports == ("8080",)


def test_a_host_that_is_refused_is_told_before_its_port():
    guard = AddressGuard(deny=["a.test"], ports=ANY_PORT[:0])
    verdicts = [guard.url_verdict(url) for url in map(parse_url, ("http://a.test", "http://b.test"))
                if url is not None]  # fmt: skip
    assert verdicts == ["out_of_scope", "blocked"]
