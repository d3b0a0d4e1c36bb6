import pytest
from pydantic import ValidationError

from scraper.rules import FieldRule, SiteRule, check_rules


def rule(name, *hosts, **fields):
    declared = fields or {"name": FieldRule(css="h1")}
    return SiteRule(name=name, hosts=list(hosts) or ["a.org"], fields=declared)


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
