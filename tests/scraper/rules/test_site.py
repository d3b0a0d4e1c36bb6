import pytest
from pydantic import ValidationError

from scraper.errors import ConfigError
from scraper.rules import GENERIC_FIELDS, FieldRule, SiteRule, check_rules, rule_for


def rule(name, *hosts, **fields):
    declared = fields or {"name": FieldRule(css="h1")}
    return SiteRule(name=name, hosts=list(hosts) or ["a.org"], fields=declared)


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


def test_rules_may_share_a_field_of_one_type():
    first = rule("a", price=FieldRule(css="b", type="float"), tags=FieldRule(css="i", many=True))
    second = rule("b", price=FieldRule(json_ld="offers.price", type="float", required=True))
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
    assert str(error.value) == f"shop.toml: {message}"


@pytest.mark.parametrize(
    "name", ["url", "final_url", "fetched_at", "site", "kind", "stale", "URL", "row", "_row"]
)
def test_a_field_may_not_be_a_column_that_every_item_has(name):
    with pytest.raises(ValidationError, match=f"fields.{name} is a column of ours"):
        rule("a", **{name: FieldRule(css="b")})


@pytest.mark.parametrize("name", ["", " ", "a\0b", "a\nb"], ids=repr)
def test_a_field_needs_a_name_that_a_column_can_bear(name):
    with pytest.raises(ValidationError, match="can't be the name of a column"):
        rule("a", **{name: FieldRule(css="b")})


def test_names_of_fields_may_be_anything_else():
    names = ["größe", "a b", 'it\'s "x"', "select", "price.eur", "seed_x"]
    check_rules([rule("a", **{name: FieldRule(css="b") for name in names})], "x")


def test_a_rule_survives_json():
    whole = SiteRule(
        name="shop",
        hosts=["a.org"],
        kind="product",
        item="li",
        fields={"n": FieldRule(css="b", attr="title", regex=r"\d+", type="int", many=True)},
    )
    data = whole.model_dump(mode="json", exclude_defaults=True)
    assert SiteRule.model_validate(data) == whole


def test_generic_fields_are_texts_and_lists_of_texts():
    assert set(GENERIC_FIELDS.values()) == {"str", "str list"}
