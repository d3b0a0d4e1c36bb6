import pytest

from scraper.crawlfile import CrawlFile, parse_crawl_file, read_crawl_file
from scraper.errors import ConfigError
from scraper.rules import FieldRule, SiteRule
from scraper.settings import Layer

WHOLE = r"""
seeds = ["list.csv", {url = "https://example.org/", shelf = "a"}]

[settings.throttle]
delay_s = 2

[hosts."Slow.Example.org".throttle]
delay_s = 10

[[sites]]
name = "shop"
hosts = ["Example.org", "*.bücher.example"]
kind = "product"
item = "article"
[sites.fields]
title = { css = "h1", required = true }
price = { css = ".price", regex = '[\d.]+', type = "float" }
tags = { json_ld = "keywords", many = true }
"""


def test_a_whole_file_is_read():
    assert parse_crawl_file(WHOLE, "shop.toml") == CrawlFile(
        seeds=["list.csv", {"url": "https://example.org/", "shelf": "a"}],
        settings={"throttle": {"delay_s": 2}},
        hosts={"slow.example.org": {"throttle": {"delay_s": 10}}},
        sites=[
            SiteRule(
                name="shop",
                hosts=["example.org", "xn--bcher-kva.example"],
                kind="product",
                item="article",
                fields={
                    "title": FieldRule(css="h1", required=True),
                    "price": FieldRule(css=".price", regex=r"[\d.]+", type="float"),
                    "tags": FieldRule(json_ld="keywords", many=True),
                },
            )
        ],
    )


def test_its_settings_are_a_layer():
    assert parse_crawl_file(WHOLE, "x").layer("shop.toml") == Layer(
        source="shop.toml",
        values={"throttle": {"delay_s": 2}},
        hosts={"slow.example.org": {"throttle": {"delay_s": 10}}},
    )


def site(field='t = { css = "h1" }', rest=""):
    head = f'seeds = ["a.txt"]\n[[sites]]\nname = "shop"\nhosts = ["a.org"]\n{rest}\n'
    return f"{head}[sites.fields]\n{field}\n"


ERRORS = {
    "no_seeds": ("", "seeds: Field required"),
    "empty_seeds": (
        "seeds = []",
        "seeds: List should have at least 1 item after validation, not 0",
    ),
    "one_text": ('seeds = "a.txt"', "seeds: Input should be a valid list"),
    "a_number": ('seeds = ["a.txt", 1]', "seeds.2: Input should be a valid string"),
    "row_without_url": ('seeds = ["a.txt", {uri = "x"}]', "seeds: row 2 has no url"),
    "list_with_an_unknown_key": (
        'seeds = ["a.txt", {list = "b", fromat = "csv"}]',
        "seeds: row 2: unknown key 'fromat'; did you mean 'format'?",
    ),
    "list_of_an_unknown_format": (
        'seeds = [{list = "b", format = "cvs"}]',
        "seeds: row 1: unknown format 'cvs'; did you mean 'csv'?",
    ),
    "row_with_an_empty_url": ('seeds = [{url = " "}]', "seeds: row 1 has no url"),
    "row_with_a_huge_number": (
        'seeds = [{url = "http://a.org/", n = 18446744073709551616}]',
        "seeds: row 1 can't be kept as JSON: Integer exceeds 64-bit range",
    ),
    "misspelt_seeds": ('seed = ["a.txt"]', "unknown key 'seed'; did you mean 'seeds'?"),
    "unknown_key": (
        'seeds = ["a.txt"]\nxyz = 1',
        "unknown key 'xyz'; valid: hosts, schedule, seeds, settings, sites",
    ),
    "setting_without_group": (
        'seeds = ["a.txt"]\n[settings]\ndelay_s = 1',
        "settings.delay_s: Input should be a valid dictionary",
    ),
    "host_without_group": (
        'seeds = ["a.txt"]\n[hosts."a.org"]\ndelay_s = 1',
        "hosts.a.org.delay_s: Input should be a valid dictionary",
    ),
    "host_is_a_url": (
        'seeds = ["a.txt"]\n[hosts."https://a.org".throttle]\ndelay_s = 1',
        "hosts.https://a.org: 'https://a.org' is not the name of a host",
    ),
    "host_with_a_port": (
        'seeds = ["a.txt"]\n[hosts."a.org:8080".throttle]\ndelay_s = 1',
        "hosts.a.org:8080: 'a.org:8080' is not the name of a host",
    ),
    "sites_is_no_list": (
        'seeds = ["a.txt"]\n[sites]\nname = "x"',
        "sites: Input should be a valid list",
    ),
    "misspelt_in_a_rule": (
        site(rest='kinds = "x"'),
        "unknown key 'sites.1.kinds'; did you mean 'kind'?",
    ),
    "misspelt_in_a_field": (
        site('t = { cs = "h1" }'),
        "unknown key 'sites.1.fields.t.cs'; did you mean 'css'?",
    ),
    "field_that_is_a_text": (
        site('t = "h1"'),
        "sites.1.fields.t: Input should be a valid dictionary or instance of FieldRule",
    ),
    "field_without_a_source": (
        site("t = {}"),
        "sites.1.fields.t: needs css, json_ld, open_graph, meta, html, url, seed or const",
    ),
    "attr_without_css": (
        site('t = { json_ld = "a", attr = "href" }'),
        "sites.1.fields.t: attr needs css",
    ),
    "no_fields": (
        'seeds = ["a.txt"]\n[[sites]]\nname = "x"\nhosts = ["a.org"]\n[sites.fields]\n',
        "sites.1.fields: Dictionary should have at least 1 item after validation, not 0",
    ),
    "no_hosts": (
        'seeds = ["a.txt"]\n[[sites]]\nname = "x"\nhosts = []\nfields.t.css = "b"',
        "sites.1.hosts: List should have at least 1 item after validation, not 0",
    ),
    "no_name": (
        'seeds = ["a.txt"]\n[[sites]]\nname = ""\nhosts = ["a.org"]\nfields.t.css = "b"',
        "sites.1.name: String should have at least 1 character",
    ),
    "rule_for_a_url": (
        'seeds = ["a.txt"]\n[[sites]]\nname = "x"\nhosts = ["a.org/b"]\nfields.t.css = "b"',
        "sites.1.hosts.1: 'a.org/b' is not the name of a host",
    ),
    "selector": (
        site('t = { css = "h1 > > b" }'),
        "sites.1.fields.t.css: 'h1 > > b' is not a CSS selector",
    ),
    "empty_selector": (site('t = { css = "" }'), "sites.1.fields.t.css: '' is not a CSS selector"),
    "selector_of_items": (
        site(rest='item = "h1::text"'),
        "sites.1.item: 'h1::text' is not a CSS selector: an item is an element, without ::text "
        "or ::attr(name)",
    ),
    "expression": (
        site('t = { css = "b", regex = "(" }'),
        "sites.1.fields.t.regex: '(' is not a regular expression: "
        "missing ), unterminated subpattern at position 0",
    ),
    "expression_too_large": (
        site('t = { css = "b", regex = "a{99999999999999999999}" }'),
        "sites.1.fields.t.regex: 'a{99999999999999999999}' is not a regular expression: "
        "the repetition number is too large",
    ),
    "type": (
        site('t = { css = "b", type = "number" }'),
        "sites.1.fields.t.type: there is no 'number'; valid: bool, date, datetime, float, int, "
        "list, money, str, url",
    ),
    "column_of_ours": (
        site('Final_URL = { css = "b" }'),
        "sites.1: fields.Final_URL is a column of ours; choose another name",
    ),
    "two_rules_of_one_name": (
        site() + '[[sites]]\nname = "Shop"\nhosts = ["b.org"]\nfields.t.css = "b"',
        "sites: two rules are named 'Shop'",
    ),
    "one_field_of_two_types": (
        site() + '[[sites]]\nname = "b"\nhosts = ["b.org"]\nfields.t = {css = "b", type = "int"}',
        "sites.b.fields.t is int, but str in sites.shop",
    ),
}


@pytest.mark.parametrize(("text", "message"), ERRORS.values(), ids=ERRORS.keys())
def test_an_error_names_file_and_key(text, message):
    with pytest.raises(ConfigError) as error:
        parse_crawl_file(text, "shop.toml")
    assert str(error.value) == f"shop.toml: {message}"


NOT_TOML = {
    "json": '{"seeds": ["a.txt"]}',
    "list_of_urls": "http://a.org/\nhttp://b.org/\n",
    "twice": 'seeds = ["a"]\nseeds = ["b"]',
    "nested_too_deep": "seeds = " + "[" * 5000,
    "too_many_digits": 'seeds = [{url = "http://a.org/", n = ' + "1" * 5000 + "}]",
    "no_such_date": 'seeds = [{url = "http://a.org/", n = 2026-02-30}]',
    "byte_order_mark": '\ufeffseeds = ["a"]',
}


@pytest.mark.parametrize("text", NOT_TOML.values(), ids=NOT_TOML.keys())
def test_what_is_no_toml_is_told_with_the_file(text):
    with pytest.raises(ConfigError, match=r"^shop\.toml: not TOML: "):
        parse_crawl_file(text, "shop.toml")


def test_a_file_may_begin_with_a_byte_order_mark(tmp_path):
    path = tmp_path / "shop.toml"
    path.write_bytes(b'\xef\xbb\xbfseeds = ["a.txt"]')
    assert read_crawl_file(path) == CrawlFile(seeds=["a.txt"])


@pytest.mark.parametrize("data", [None, b"seeds = ['\xff']"], ids=["missing", "not_utf8"])
def test_a_file_that_cannot_be_read_is_named(tmp_path, data):
    path = tmp_path / "shop.toml"
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(ConfigError) as error:
        read_crawl_file(path)
    assert str(error.value).startswith(f"{path}: can't be read as a crawl file: ")


def test_a_folder_is_no_crawl_file(tmp_path):
    with pytest.raises(ConfigError, match="can't be read as a crawl file"):
        read_crawl_file(tmp_path)
