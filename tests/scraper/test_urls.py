import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scraper.urls import (
    ParsedUrl,
    canonical_key,
    domain_of,
    host_of,
    is_http,
    join_url,
    parse_url,
)

NORMAL_FORMS = {
    "plain": ("http://example.org/a", "http://example.org/a", "example.org"),
    "trimmed": ("  \thttp://example.org/a \r\n", "http://example.org/a", "example.org"),
    "no_path": ("http://example.org", "http://example.org/", "example.org"),
    "upper_case": ("HTTP://EXAMPLE.ORG/Path", "http://example.org/Path", "example.org"),
    "no_slashes": ("https:example.org/a", "https://example.org/a", "example.org"),
    "too_many_slashes": ("http:////example.org/a", "http://example.org/a", "example.org"),
    "dot_segments": ("http://example.org/a/../b/./c", "http://example.org/b/c", "example.org"),
    "spaces": ("http://example.org/a b?c d", "http://example.org/a%20b?c%20d", "example.org"),
    "line_end_inside": ("http://exam\nple.org/a", "http://example.org/a", "example.org"),
    "escapes_are_kept": ("http://example.org/%41%7e%e9", "http://example.org/%41%7e%e9", None),
    "non_ascii_path": ("http://example.org/ä?ö", "http://example.org/%C3%A4?%C3%B6", None),
    "fragment": ("http://example.org/a?b#c", "http://example.org/a?b", "example.org"),
    "fragment_only": ("http://example.org#", "http://example.org/", "example.org"),
    "empty_query_is_kept": ("http://example.org/?", "http://example.org/?", "example.org"),
    "default_port": ("http://example.org:80/", "http://example.org/", "example.org"),
    "other_port": ("http://example.org:8080/", "http://example.org:8080/", "example.org"),
    "backslash_at": (r"http://example.com\@evil.com/", "http://example.com/@evil.com/", None),
    "userinfo": ("http://me:pw@example.org/", "http://me:pw@example.org/", "example.org"),
    "userinfo_like_a_host": ("http://evil.com@example.org/", "http://evil.com@example.org/", None),
    "trailing_dot": ("http://example.org./a", "http://example.org./a", "example.org"),
    "decimal_address": ("http://2130706433/", "http://127.0.0.1/", "127.0.0.1"),
    "hex_address": ("http://0x7f.1/", "http://127.0.0.1/", "127.0.0.1"),
    "octal_address": ("http://010.0.0.1/", "http://8.0.0.1/", "8.0.0.1"),
    "ipv6": ("http://[0:0::1]:80/", "http://[::1]/", "[::1]"),
    "mapped_ipv6": ("http://[::ffff:127.0.0.1]/", "http://[::ffff:7f00:1]/", "[::ffff:7f00:1]"),
    "idn": ("http://faß.de/", "http://xn--fa-hia.de/", "xn--fa-hia.de"),
    "full_width": ("http://\uff45xample\u3002org/", "http://example.org/", "example.org"),
    "escaped_host": ("http://ex%61mple.org/", "http://example.org/", "example.org"),
    "underscore": ("http://a_b.example.org/", "http://a_b.example.org/", "a_b.example.org"),
}


@pytest.mark.parametrize(("text", "href", "host"), NORMAL_FORMS.values(), ids=NORMAL_FORMS)
def test_a_url_has_one_normal_form(text, href, host):
    parsed = parse_url(text)
    expected_host = host or ("example.com" if "evil.com/" in href else "example.org")
    assert (parsed.href, parsed.key, parsed.host) == (href, href, expected_host)


NO_URLS = {
    "empty": "",
    "blank": " \t",
    "word": "example",
    "no_scheme": "example.org/a",
    "relative": "/a",
    "javascript": "javascript:alert(1)",
    "mailto": "mailto:me@example.org",
    "ftp": "ftp://example.org/",
    "file": "file:///etc/passwd",
    "websocket": "ws://example.org/",
    "blob": "blob:http://example.org/a",
    "no_host": "http://",
    "slashes_only": "http:///",
    "space_in_host": "http://exa mple.org/",
    "bad_port": "http://example.org:99999/",
    "open_bracket": "http://[::1/",
    "address_out_of_range": "http://256.0.0.1/",
    "number_at_the_end": "http://a.b.c.1/",
    "escaped_nul_in_host": "http://a%00b/",
    "lone_surrogate": "http://example.org/\ud800",
    "dot_host": "http://./",
    "two_dots_at_the_end": "http://example.org../",
    "empty_label": "http://a..example.org/",
    "long_label": "http://" + "a" * 64 + ".org/",
    "long_host": "http://" + "a." * 130 + "org/",
}


@pytest.mark.parametrize("text", NO_URLS.values(), ids=NO_URLS)
def test_what_cannot_be_fetched_is_no_url(text):
    assert parse_url(text) is None


@pytest.mark.parametrize("text", ["", "a.test", "ftp://a.test/", "http:///", "http://a..b/c"])
def test_what_cannot_be_fetched_has_no_host(text):
    assert host_of(text) == ""


def test_all_parts_of_a_url():
    assert parse_url("HTTPS://Me@Shop.Example.co.uk.:8443/A?b=1#c") == ParsedUrl(
        href="https://Me@shop.example.co.uk.:8443/A?b=1",
        host="shop.example.co.uk",
        domain="example.co.uk",
        origin="https://shop.example.co.uk.:8443",
        key="https://Me@shop.example.co.uk.:8443/A?b=1",
    )


@pytest.mark.parametrize(
    ("host", "domain"),
    [
        ("example.org", "example.org"),
        ("a.b.example.org", "example.org"),
        ("a.b.example.co.uk", "example.co.uk"),
        ("me.github.io", "me.github.io"),
        ("a.me.github.io", "me.github.io"),
        ("github.io", "github.io"),
        ("org", "org"),
        ("localhost", "localhost"),
        ("a.intranet", "a.intranet"),
        ("b.a.intranet", "a.intranet"),
        ("127.0.0.1", "127.0.0.1"),
        ("[::1]", "[::1]"),
        ("a.b.kawasaki.jp", "a.b.kawasaki.jp"),
        ("www.city.kawasaki.jp", "city.kawasaki.jp"),
        ("www.xn--55qx5d.cn", "www.xn--55qx5d.cn"),
    ],
)
def test_the_domain_is_registrable_private_suffixes_counted(host, domain):
    assert domain_of(host) == domain


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("http://a.example.org.:81/x", "a.example.org"),
        ("https://[::1]:8", "[::1]"),
        ("http://u:p@h", "h"),
    ],
)
def test_the_host_of_a_url_has_no_port_and_no_user(url, host):
    assert host_of(url) == host


@pytest.mark.parametrize(
    ("href", "key"),
    [
        ("http://a/", "http://a/"),
        ("http://a/?", "http://a/"),
        ("http://a/?b=2&a=1", "http://a/?a=1&b=2"),
        ("http://a/?a=2&a=1", "http://a/?a=2&a=1"),
        ("http://a/?b&a=&&c", "http://a/?a=&b&c"),
        ("http://a/?utm_source=x&UTM_Medium=y&id=1&gclid=z", "http://a/?id=1"),
        ("http://a/?utm%5Fsource=x&id=1", "http://a/?id=1"),
        ("http://a/?fbclid=x&_ga=1&mc_cid=2&mc_eid=3&msclkid=4&igshid=5", "http://a/"),
        ("http://a/?utmost=1&gclids=2&ref=3", "http://a/?gclids=2&ref=3&utmost=1"),
        ("http://a/?q=a%26b+c%3D&p=%e9", "http://a/?p=%e9&q=a%26b+c%3D"),
        ("http://a/?q=x?utm_source=y", "http://a/?q=x?utm_source=y"),
    ],
)
def test_the_wider_key_sorts_the_query_and_drops_tracking(href, key):
    assert canonical_key(href) == key
    assert canonical_key(key) == key


@pytest.mark.parametrize(
    ("target", "href"),
    [
        ("b", "http://example.org/a/b"),
        ("/b?c#d", "http://example.org/b?c#d"),
        ("//other.org/b", "http://other.org/b"),
        ("", "http://example.org/a/?q"),
        ("?x", "http://example.org/a/?x"),
        (" https://other.org ", "https://other.org/"),
        ("javascript:void(0)", "javascript:void(0)"),
        ("mailto:me@example.org", "mailto:me@example.org"),
        (r"\\other.org\b", "http://other.org/b"),
        ("http://[bad/", None),
        ("http://", None),
        ("\ud800", None),
    ],
)
def test_a_link_is_joined_to_its_page(target, href):
    assert join_url("http://example.org/a/?q", target) == href


def test_nothing_is_joined_to_what_is_no_url():
    assert join_url("example", "b") is None


@pytest.mark.parametrize(
    ("href", "fetched"),
    [
        ("http://a/", True),
        ("https://a/", True),
        ("ftp://a/", False),
        ("javascript:void(0)", False),
        ("", False),
    ],
)
def test_only_http_and_https_are_fetched(href, fetched):
    assert is_http(href) is fetched


@settings(deadline=None)
@given(st.text())
def test_any_text_is_a_url_or_none(text):
    for start in ("", "http://", "http://example.org/", "http://example.org:80/?"):
        parsed = parse_url(start + text)
        if parsed is not None:
            assert parse_url(parsed.href) == parsed
            assert canonical_key(canonical_key(parsed.href)) == canonical_key(parsed.href)
            assert parsed.host.endswith(parsed.domain)
            assert parsed.host == parsed.host.lower()
            assert is_http(parsed.href)
            assert host_of(parsed.origin) == parsed.host
            assert host_of(parsed.href) == parsed.host
