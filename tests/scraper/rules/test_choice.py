"""Which rule covers a page, and why."""

import pytest

from scraper.rules import FieldRule, RuleChoice, SiteRule, rule_choice, rule_for


def rule(name, *hosts, url=None):
    return SiteRule(name=name, hosts=list(hosts), url=url, fields={"name": FieldRule(css="h1")})


SHOPS = rule("shops", "shops.example.org")
ALL = rule("all", "Example.org", "other.net")
FIRST, SECOND = rule("first", "twice.org"), rule("second", "twice.org")
RULES = [ALL, SHOPS, FIRST, SECOND]

COVERED = {
    "its_host": ("example.org", ALL),
    "a_subdomain": ("x.example.org", ALL),
    "the_longest_name_wins": ("shops.example.org", SHOPS),
    "its_subdomain": ("a.b.shops.example.org", SHOPS),
    "another_host_of_the_rule": ("www.other.net", ALL),
    "the_first_of_two_rules": ("twice.org", FIRST),
    "only_whole_labels": ("myexample.org", None),
    "the_parent": ("org", None),
    "no_host": ("", None),
}


@pytest.mark.parametrize(("host", "expected"), COVERED.values(), ids=COVERED.keys())
def test_the_longest_name_finds_the_rule(host, expected):
    assert rule_for(f"https://{host}/a" if host else "", iter(RULES)) == expected


def test_without_rules_there_is_none():
    assert rule_for("https://a.org/", []) is None


PRODUCT = rule("product", "shop.org", url="/product/")
LARGE = rule("large", "shop.org", url=r"/product/\d{4}$")
REST = rule("rest", "shop.org")
DEEP = rule("deep", "www.shop.org", url=r"^https://www\.shop\.org/deep\?")
SITE = [REST, DEEP, PRODUCT, LARGE]

CHOSEN = {
    "by_its_url": ("https://shop.org/product/1", PRODUCT, "host shop.org, url '/product/'"),
    "the_first_that_matches": ("https://shop.org/product/1234", PRODUCT,
                               "host shop.org, url '/product/'"),
    "else_the_one_without_url": ("https://shop.org/about", REST, "host shop.org"),
    "the_longer_host_first": ("https://www.shop.org/deep?x", DEEP,
                              "host www.shop.org, url '^https://www\\.shop\\.org/deep\\?'"),
    "a_shorter_host_where_none_fits": ("https://www.shop.org/product/", PRODUCT,
                                       "host shop.org, url '/product/'"),
    "at_last_without_url": ("https://www.shop.org/about", REST, "host shop.org"),
    "with_a_port": ("http://shop.org:8080/product/", PRODUCT, "host shop.org, url '/product/'"),
    "another_host": ("https://a.org/product/", None, "no rule covers the host 'a.org'"),
    "no_url": ("nonsense", None, "no rule covers the host ''"),
}  # fmt: skip


@pytest.mark.parametrize(("url", "expected", "why"), CHOSEN.values(), ids=CHOSEN.keys())
def test_a_rule_is_chosen_and_says_why(url, expected, why):
    assert rule_choice(url, iter(SITE)) == RuleChoice(rule=expected, why=why)
    assert rule_for(url, iter(SITE)) == expected


def test_urls_that_do_not_match_are_told():
    choice = rule_choice("https://shop.org/a", [PRODUCT, LARGE])
    assert choice.rule is None
    assert choice.why == (
        "url '/product/' of rule product does not match; "
        "url '/product/\\d{4}$' of rule large does not match"
    )
