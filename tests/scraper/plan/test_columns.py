import pytest

from scraper.plan.columns import ITEM_COLUMNS, OUTCOME_COLUMNS, SeedColumns, field_columns
from scraper.rules import GENERIC_FIELDS, FieldRule, SiteRule
from scraper.run import load_run
from tests.scraper.plan.lists import columns_of, plan_rows

URLS = [f"http://127.0.0.1/{n}" for n in range(9)]


def rule(name="shop", **fields):
    return SiteRule(name=name, hosts=["a.org"], fields=fields)


def types_of(*rows, sites=()):
    columns = SeedColumns(sites)
    for row in rows:
        columns.take_in(row)
    return columns.types()


NAMES = {
    "as_they_are": ([{"shelf": "a", "größe": "b"}], ["shelf", "größe"]),
    "in_the_order_of_their_appearance": ([{"b": "x"}, {"a": "x", "b": "x"}], ["b", "a"]),
    "first_spelling_wins": ([{"Shelf": "a"}, {"shelf": "b"}, {"SHELF": "c"}], ["Shelf"]),
    "first_spelling_wins_beyond_ascii": ([{"Größe": "a"}, {"GRÖSSE": "b"}, {"größe": "c"}],
                                         ["Größe", "GRÖSSE"]),
    "ours": ([{"host": "x", "Title": "y", "STALE": "z"}],
             ["seed_host", "seed_Title", "seed_STALE"]),
    "of_the_join": ([{"row": "x", "_row": "y"}], ["seed_row", "seed__row"]),
    "two_that_become_one": ([{"host": "x", "seed_host": "y"}], ["seed_host", "seed_seed_host"]),
    "two_that_become_one_later": ([{"seed_host": "y"}, {"HOST": "x"}],
                                  ["seed_host", "seed_seed_HOST"]),
    "three_that_become_one": (
        [{"host": "x", "Seed_Host": "y", "seed_seed_host": "z"}],
        ["seed_host", "seed_Seed_Host", "seed_seed_seed_host"],
    ),
    "not_ours": ([{"seed": "x", "status_": "y", "c0": "z"}], ["seed", "status_", "c0"]),
    "nul": ([{"a\0b": "x", "a\0c": "y"}], ["a\ufffdb", "a\ufffdc"]),
    "nul_that_becomes_another": ([{"a\0b": "x", "a\ufffdb": "y"}], ["a\ufffdb", "seed_a\ufffdb"]),
}  # fmt: skip


@pytest.mark.parametrize(("rows", "names"), NAMES.values(), ids=NAMES.keys())
def test_columns_are_named(rows, names):
    assert list(types_of(*rows)) == names


@pytest.mark.parametrize(
    "name", sorted({*OUTCOME_COLUMNS, *ITEM_COLUMNS, *GENERIC_FIELDS, "stale"} - {"url"})
)
def test_every_column_of_ours_is_kept_free(name):
    assert list(types_of({name: "x", name.upper(): "y"})) == [f"seed_{name}"]


def test_the_field_of_a_rule_is_kept_free():
    sites = [rule(Price=FieldRule(css="b")), rule("b", seed_price=FieldRule(css="b"))]
    assert list(types_of({"price": "x"}, sites=sites)) == ["seed_seed_price"]


TYPES = {
    "text": (["a", ""], "VARCHAR"),
    "whole_numbers": ([1, -(2**63), 2**63 - 1], "BIGINT"),
    "numbers": ([1, 2.5, 3], "DOUBLE"),
    "bools": ([True, False], "BOOLEAN"),
    "with_nulls": ([None, 1, None], "BIGINT"),
    "nulls_only": ([None, None], "VARCHAR"),
    "bool_and_number": ([True, 1], "VARCHAR"),
    "number_and_text": ([1.5, "x"], "VARCHAR"),
    "text_and_number": (["x", 1], "VARCHAR"),
    "text_stays": ([1, "x", 1, 2.5], "VARCHAR"),
    "nested": ([[1], {"a": 1}], "VARCHAR"),
    "nested_and_number": ([1, [1]], "VARCHAR"),
    "more_than_64_bits": ([1, 2**63], "VARCHAR"),
}


@pytest.mark.parametrize(("values", "sql_type"), TYPES.values(), ids=TYPES.keys())
def test_a_column_has_the_type_of_all_its_values(values, sql_type):
    assert types_of(*({"a": value} for value in values)) == {"a": sql_type}


VALUES = {
    "text_is_not_guessed_at": (["1", "true", "2026-01-02", "null", ""],) * 2,
    "numbers": ([1, 2.5], [1.0, 2.5]),
    "mixed": ([1, "x", True, None, 1.0], ["1", "x", "true", None, "1.0"]),
    "nested": (
        [[1, {"a": None}], {"b": [], "ü": '"'}, "[1]"],
        ['[1,{"a":null}]', '{"b":[],"ü":"\\""}', "[1]"],
    ),
    "large": ([2**63 - 1, -(2**63)],) * 2,
    "larger": ([2**63, 2**64 - 1], ["9223372036854775808", "18446744073709551615"]),
    "odd_text": (["a\nb", "\0", "it's", '"', "\u2028", "😀"],) * 2,
}


@pytest.mark.parametrize(("values", "expected"), VALUES.values(), ids=VALUES.keys())
def test_values_ride_along(tmp_path, values, expected):
    rows = [{"url": url, "a": value} for url, value in zip(URLS, values, strict=False)]
    assert columns_of(plan_rows(tmp_path, rows)) == [{"a": value} for value in expected]


def test_odd_names_ride_along(tmp_path):
    names = ["größe", 'it\'s "x"; DROP TABLE planned', "a b", "select", "a\nb", "row", "c1", "a.b"]
    planned = plan_rows(tmp_path, [{"url": URLS[0]} | {name: name for name in names}])
    final = ["seed_row" if name == "row" else name for name in names]
    assert columns_of(planned) == [dict(zip(final, names, strict=True))]
    assert list(planned.info.columns) == final


def test_a_row_without_a_column_has_none(tmp_path):
    rows = [{"url": URLS[0], "A": 1}, URLS[1], {"url": URLS[2], "a": 2, "b": "x"}]
    assert columns_of(plan_rows(tmp_path, rows)) == [
        {"A": 1, "b": None},
        {"A": None, "b": None},
        {"A": 2, "b": "x"},
    ]


def test_the_columns_of_invalid_rows_count_too(tmp_path):
    planned = plan_rows(tmp_path, [{"url": URLS[0], "a": 1}, {"url": "nonsense", "a": "x"}])
    assert planned.info.columns == {"a": "VARCHAR"}
    assert columns_of(planned) == [{"a": "1"}]


RENAMED = {
    "none": ([{"shelf": "a"}], {}),
    "ours": ([{"Host": "x", "shelf": "y"}], {"seed_Host": "Host"}),
    "literally_so": ([{"seed_host": "x"}], {}),
    "literally_so_first": (
        [{"seed_host": "x", "host": "y"}], {"seed_seed_host": "host"},
    ),
    "literally_so_later": (
        [{"host": "x", "seed_host": "y"}], {"seed_host": "host", "seed_seed_host": "seed_host"},
    ),
    "nul": ([{"a\0b": "x"}], {"a\ufffdb": "a\0b"}),
}  # fmt: skip


@pytest.mark.parametrize(("rows", "renamed"), RENAMED.values(), ids=RENAMED.keys())
def test_columns_that_are_called_otherwise_remember_their_names(rows, renamed):
    columns = SeedColumns(())
    for row in rows:
        columns.take_in(row)
    assert columns.renamed() == renamed


def test_a_planned_run_knows_the_names_in_its_list(tmp_path):
    sites = [rule(shelf=FieldRule(css="b"))]
    planned = plan_rows(tmp_path, [{"url": URLS[0], "shelf": "a", "n": 1}], sites=sites)
    assert list(planned.info.columns) == ["seed_shelf", "n"]
    assert planned.info.renamed == {"seed_shelf": "shelf"}
    loaded = load_run(planned.store, planned.info.run)
    assert loaded is not None
    assert loaded.renamed == planned.info.renamed


def test_fields_are_typed_and_the_first_declaration_counts():
    sites = [
        rule(a=FieldRule(css="b", type="int"), b=FieldRule(css="b", many=True)),
        rule(
            "b",
            a=FieldRule(css="b", type="int"),
            c=FieldRule(css="b", type="url"),
            d=FieldRule(css="b", type="float", many=True),
            e=FieldRule(css="b", type="bool"),
            f=FieldRule(css="b", type="date"),
            g=FieldRule(css="b", type="datetime", many=True),
            h=FieldRule(css="b", type="money"),
            i=FieldRule(css="b", type="money", many=True),
            j=FieldRule(css="b", type="list"),
        ),
    ]
    assert field_columns(sites) == {
        "a": "BIGINT",
        "b": "VARCHAR[]",
        "c": "VARCHAR",
        "d": "DOUBLE[]",
        "e": "BOOLEAN",
        "f": "DATE",
        "g": "TIMESTAMPTZ[]",
        "h": "STRUCT(amount DOUBLE, currency VARCHAR)",
        "i": "STRUCT(amount DOUBLE, currency VARCHAR)[]",
        "j": "VARCHAR[]",
    }
