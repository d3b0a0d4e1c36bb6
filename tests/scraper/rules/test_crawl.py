"""The rules of a crawl against each other."""

from pathlib import Path

import pytest

from scraper.errors import ConfigError
from scraper.rules import GENERIC_FIELDS, FieldRule, SiteRule, check_rules


def rule(name, *hosts, **fields):
    declared = fields or {"name": FieldRule(css="h1")}
    return SiteRule(name=name, hosts=list(hosts) or ["a.org"], fields=declared)


def page_rule(name, url):
    return SiteRule(name=name, hosts=["a.org"], url=url, fields={"name": FieldRule(css="h1")})


def test_rules_of_one_host_differ_by_their_urls():
    check_rules([page_rule("a", "/p/"), page_rule("b", "/q/"), page_rule("c", None)], "x")


def test_a_rule_may_name_a_host_twice():
    check_rules([rule("a", "a.org", "*.a.org")], "x")


def test_rules_may_share_a_field_of_one_type():
    first = rule("a", price=FieldRule(css="b", type="float"), tags=FieldRule(css="i", many=True))
    second = rule(
        "b",
        "b.org",
        tags=FieldRule(css="b", type="list"),
        price=FieldRule(json_ld="offers.price", type="float", required=True),
    )
    check_rules([first, second], "shop.toml")


def test_a_field_may_bear_a_generic_name_of_the_same_type():
    check_rules([rule("a", title=FieldRule(css="h1"), links=FieldRule(css="a", many=True))], "x")


CONFLICTS = {
    "rules_of_one_name": (
        [rule("Shop"), rule("shop")], "sites: two rules are named 'shop'",
    ),
    "two_types": (
        [rule("a", price=FieldRule(css="b")), rule("b", price=FieldRule(css="b", type="float"))],
        "sites.b.fields.price is float, but str in sites.a",
    ),
    "one_and_many": (
        [rule("a", tag=FieldRule(css="b")), rule("b", tag=FieldRule(css="b", many=True))],
        "sites.b.fields.tag is str list, but str in sites.a",
    ),
    "two_types_in_two_spellings": (
        [rule("a", price=FieldRule(css="b")), rule("b", Price=FieldRule(css="b", type="int"))],
        "sites.b.fields.Price is int, but str in sites.a",
    ),
    "two_spellings": (
        [rule("a", price=FieldRule(css="b")), rule("b", Price=FieldRule(css="b"))],
        "sites.b.fields.Price is spelt 'price' in sites.a",
    ),
    "two_spellings_in_one_rule": (
        [rule("a", price=FieldRule(css="b"), PRICE=FieldRule(css="i"))],
        "sites.a.fields.PRICE is spelt 'price' in sites.a",
    ),
    "money_and_number": (
        [rule("a", price=FieldRule(css="b", type="money")),
         rule("b", price=FieldRule(css="b", type="float"))],
        "sites.b.fields.price is float, but money in sites.a",
    ),
    "a_date_and_a_time": (
        [rule("a", at=FieldRule(css="b", type="datetime")),
         rule("b", at=FieldRule(css="b", type="date", many=True))],
        "sites.b.fields.at is date list, but datetime in sites.a",
    ),
    "two_for_one_host": (
        [rule("a", "b.org", "a.org"), rule("b", "x.org", "A.org")],
        "sites.b.hosts: a.org is covered by sites.a, both without url: "
        "this rule could never be chosen",
    ),
    "two_for_one_url": (
        [page_rule("a", "/p/"), page_rule("b", None), page_rule("c", "/p/")],
        "sites.c.hosts: a.org is covered by sites.a, both with url '/p/': "
        "this rule could never be chosen",
    ),
    "no_such_extractor": (
        [rule("a"), SiteRule(name="b", hosts=["b.org"], fields={"x": FieldRule()},
                             extractor="no_such_module:f")],
        "sites.2.extractor: there is no module 'no_such_module', here or in {cwd}",
    ),
    "another_type_than_the_generic_field": (
        [rule("a", title=FieldRule(css="b", type="int"))],
        "sites.a.fields.title is int, but str in the columns of ours",
    ),
    "another_spelling_than_the_generic_field": (
        [rule("a", Title=FieldRule(css="b"))],
        "sites.a.fields.Title is spelt 'title' in the columns of ours",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("rules", "message"), CONFLICTS.values(), ids=CONFLICTS.keys())
def test_rules_that_contradict_each_other_are_refused(rules, message):
    with pytest.raises(ConfigError) as error:
        check_rules(rules, "shop.toml")
    assert str(error.value) == f"shop.toml: {message.replace('{cwd}', str(Path.cwd()))}"


def test_generic_fields_are_texts_and_lists_of_texts():
    assert set(GENERIC_FIELDS.values()) == {"str", "str list"}
