"""Everything wrong in a rule is found when the crawl file is read, and told with its key."""

from datetime import UTC, date, datetime

import pytest

from scraper.crawlfile import parse_crawl_file
from scraper.errors import ConfigError
from scraper.rules import CleanTable, Fallback, FieldRule, SiteRule

WHOLE = r"""
seeds = ["list.csv"]

[[sites]]
name = "shop"
hosts = ["example.org"]
url = '/product/'
kind = "product"
item = "li.product"
key = "sku"
locale = "de"
timezone = "Europe/Berlin"
extractor = "tests.scraper.extract.extractors:shop"

[sites.fields]
name = { css = "h1::text", required = true }
price = { css = ".price", json_ld = "offers.price", open_graph = "product:price:amount", meta = "price", html = '"price":\s*"([^"]+)"', type = "money", currency = "EUR", min = 0 }
sku = { css = ".sku", fallbacks = [ { css = "#sku::attr(data-sku)" }, { json_ld = "sku", clean = ["upper"] }, { url = '/(\d+)$' } ] }
shelf = { seed = "shelf" }
source = { const = "shop" }
since = { const = 2026-01-02, type = "date" }
tags = { css = ".tags", split = ",", type = "list", clean = ["lower", { strip = "." }], max_items = 9 }
date = { css = "time", type = "date", format = "%d.%m.%Y", min = 2020-01-01, max = 2030-01-01 }
at = { css = "time", type = "datetime", timezone = "Asia/Tokyo", min = 2020-01-01T00:00:00+02:00, max = 2030-01-01T00:00:00 }
stock = { css = ".stock", type = "int", min = 0, max = 100000 }
state = { css = ".state", clean = [{ map = { "Neu" = "new" } }, { replace = "a(.)", by = '\1' }], enum = ["new", "used"], pattern = '[a-z]+' }
loose = { type = "float", enum = [0.5, 1] }
"""  # noqa: E501  # as long as people write them


def test_a_whole_rule_is_read():
    (rule,) = parse_crawl_file(WHOLE, "x").sites
    assert (rule.url, rule.key, rule.locale, rule.timezone) == (
        "/product/", "sku", "de", "Europe/Berlin",
    )  # fmt: skip
    assert rule.fields["sku"].fallbacks == (
        Fallback(css="#sku::attr(data-sku)"),
        Fallback(json_ld="sku", clean=["upper"]),
        Fallback(url=r"/(\d+)$"),
    )
    assert rule.fields["tags"].clean == ("lower", CleanTable(strip="."))
    assert rule.fields["since"].const == "2026-01-02"
    assert rule.fields["date"].min == date(2020, 1, 1)
    assert rule.fields["at"].min == datetime(2019, 12, 31, 22, tzinfo=UTC)
    assert [field.shape for field in rule.fields.values()] == [
        "str", "money", "str", "str", "str", "date", "str list", "date", "datetime", "int", "str",
        "float",
    ]  # fmt: skip


def test_a_whole_rule_survives_json_even_when_it_was_used():
    (rule,) = parse_crawl_file(WHOLE, "x").sites
    assert len(rule.declared) == len(rule.fields)
    data = rule.model_dump(mode="json", exclude_defaults=True)
    again = SiteRule.model_validate(data)
    assert again == rule
    assert again.model_dump(mode="json", exclude_defaults=True) == data


def test_a_list_is_many_texts():
    assert FieldRule(css="b", type="list").shape == FieldRule(css="b", many=True).shape


OK = 't = { css = "h1" }'
SELECTOR = "is not a CSS selector: ::text or ::attr(name) may stand at its very end only"

WRONG = {
    "pseudo_in_the_middle": (
        't.css = "h1::text b"', f"fields.t.css: 'h1::text b' {SELECTOR}",
    ),
    "pseudo_in_a_list": ('t.css = "h1::text, h2"', f"fields.t.css: 'h1::text, h2' {SELECTOR}"),
    "unknown_pseudo": ('t.css = "h1::before"', f"fields.t.css: 'h1::before' {SELECTOR}"),
    "attr_without_a_name": ('t.css = "h1::attr()"', f"fields.t.css: 'h1::attr()' {SELECTOR}"),
    "pseudo_after_nonsense": (
        't.css = "h1 > > b::text"', "fields.t.css: 'h1 > > b::text' is not a CSS selector",
    ),
    "attr_twice": (
        't = { css = "h1::text", attr = "x" }',
        "fields.t: attr and the :: in css say the same: leave one of them out",
    ),
    "html": ('t.html = "("', "fields.t.html: '(' is not a regular expression: "
             "missing ), unterminated subpattern at position 0"),
    "url": ('t.url = "["', "fields.t.url: '[' is not a regular expression: "
            "unterminated character set at position 0"),
    "split": ('t = { css = "b", type = "list", split = "*" }',
              "fields.t.split: '*' is not a regular expression: nothing to repeat at position 0"),
    "split_of_one": ('t = { css = "b", split = "," }',
                     'fields.t.split: needs many = true or type = "list"'),
    "min_items_of_one": ('t = { css = "b", min_items = 1 }',
                         'fields.t.min_items: needs many = true or type = "list"'),
    "list_that_is_not_many": ('t = { css = "b", type = "list", many = false }',
                              "fields.t.many: a list is many"),
    "items_crossed": ('t = { css = "b", many = true, min_items = 3, max_items = 2 }',
                      "fields.t.max_items: 2 is below min_items 3"),
    "items_below_zero": ('t = { css = "b", many = true, min_items = -1 }',
                         "fields.t.min_items: Input should be greater than or equal to 0"),
    "misspelt_type": ('t = { css = "b", type = "dat" }',
                      "fields.t.type: there is no 'dat'; did you mean 'date'?"),
    "empty_name": ('t.meta = ""', "fields.t.meta: String should have at least 1 character"),
    "misspelt_in_a_fallback": (
        't = { css = "b", fallbacks = [{ css = "i" }, { jsonld = "x" }] }',
        "unknown key 'sites.1.fields.t.fallbacks.2.jsonld'; did you mean 'json_ld'?",
    ),
    "type_in_a_fallback": (
        't = { css = "b", fallbacks = [{ css = "i", required = true }] }',
        "unknown key 'sites.1.fields.t.fallbacks.1.required'; valid: attr, clean, const, css, "
        "html, json_ld, meta, open_graph, regex, seed, url",
    ),
    "fallback_without_a_source": ('t = { css = "b", fallbacks = [{ regex = "x" }] }',
                                  "fields.t.fallbacks.1: needs exactly one source"),
    "fallback_with_two": ('t = { css = "b", fallbacks = [{ css = "i", url = "x" }] }',
                          "fields.t.fallbacks.1: needs exactly one source"),
    "selector_in_a_fallback": ('t = { css = "b", fallbacks = [{ css = "a b::x" }] }',
                               f"fields.t.fallbacks.1.css: 'a b::x' {SELECTOR}"),
    "attr_in_a_fallback": ('t = { css = "b", fallbacks = [{ url = "x", attr = "a" }] }',
                           "fields.t.fallbacks.1: attr needs css"),
    "clean_word": ('t = { css = "b", clean = ["lowr"] }',
                   "fields.t.clean.1: there is no 'lowr'; did you mean 'lower'?"),
    "clean_key": ('t = { css = "b", clean = ["lower", { mapp = {} }] }',
                  "unknown key 'sites.1.fields.t.clean.2.mapp'; did you mean 'map'?"),
    "clean_key_in_a_fallback": (
        't = { css = "b", fallbacks = [{ css = "i", clean = [{ removes = "x" }] }] }',
        "unknown key 'sites.1.fields.t.fallbacks.1.clean.1.removes'; did you mean 'remove'?",
    ),
    "clean_of_two": ('t = { css = "b", clean = [{ remove = "a", strip = "b" }] }',
                     "fields.t.clean.1: needs exactly one of remove, replace, strip and map"),
    "clean_of_none": ('t = { css = "b", clean = [{}] }',
                      "fields.t.clean.1: needs exactly one of remove, replace, strip and map"),
    "replace_without_by": ('t = { css = "b", clean = [{ replace = "a" }] }',
                           "fields.t.clean.1: replace and by need each other"),
    "by_a_group_that_is_not_there": (
        "t = { css = 'b', clean = [{ replace = 'a', by = '\\1' }] }",
        r"fields.t.clean.1.by: '\\1' can't be put there: invalid group reference 1 at position 1",
    ),
    "clean_expression": ('t = { css = "b", clean = [{ remove = "(" }] }',
                         "fields.t.clean.1.remove: '(' is not a regular expression: "
                         "missing ), unterminated subpattern at position 0"),
    "clean_number": ('t = { css = "b", clean = [5] }',
                     "fields.t.clean.1: Input should be a valid dictionary or instance of "
                     "CleanTable"),
    "map_to_a_number": ('t = { css = "b", clean = [{ map = { a = 1 } }] }',
                        "fields.t.clean.1.map.a: Input should be a valid string"),
    "field_called_clean": ("clean.cs = 'b'",
                           "unknown key 'sites.1.fields.clean.cs'; did you mean 'css'?"),
    "locale": ('t = { css = "b", type = "int", locale = "en-GBB" }',
               "fields.t.locale: there is no locale 'en-GBB'; did you mean 'en-GB'?"),
    "locale_of_a_text": ('t = { css = "b", locale = "de" }',
                         "fields.t.locale: is for int, float, money, date, datetime, not for str"),
    "timezone": ('t = { css = "b", type = "datetime", timezone = "Berlin" }',
                 "fields.t.timezone: there is no time zone 'Berlin'; did you mean "
                 "'Europe/Berlin'?"),
    "timezone_of_a_date": ('t = { css = "b", type = "date", timezone = "UTC" }',
                           "fields.t.timezone: is for datetime, not for date"),
    "format": ('t = { css = "b", type = "date", format = "%d.%q.%Y" }',
               "fields.t.format: '%d.%q.%Y' is not a date format: 'q' is a bad directive in "
               "format '%d.%q.%Y'"),
    "format_without_a_year": ('t = { css = "b", type = "date", format = "%d.%m." }',
                              "fields.t.format: '%d.%m.' is not a date format: it needs day, "
                              "month and year"),
    "format_of_a_number": ('t = { css = "b", type = "int", format = "%d" }',
                           "fields.t.format: is for date, datetime, not for int"),
    "currency": ('t = { css = "b", type = "money", currency = "EURO" }',
                 "fields.t.currency: there is no currency 'EURO'; did you mean 'EUR'?"),
    "currency_of_a_number": ('t = { css = "b", type = "float", currency = "EUR" }',
                             "fields.t.currency: is for money, not for float"),
    "dates_of_no_language": ('t = { css = "b", type = "date", locale = "ceb" }',
                             "fields.t.type: dates in words can't be read in 'ceb': give a "
                             "format"),
    "pattern_of_a_number": ('t = { css = "b", type = "int", pattern = "x" }',
                            "fields.t.pattern: is for str, url, not for int"),
    "min_of_a_text": ('t = { css = "b", min = 1 }',
                      "fields.t.min: is for int, float, money, date, datetime, not for str"),
    "min_that_is_a_text": ('t = { css = "b", type = "int", min = "one" }',
                           "fields.t.min: 'one' is neither a number nor a date"),
    "min_that_is_a_truth": ('t = { css = "b", type = "int", min = true }',
                            "fields.t.min: a number or a date"),
    "min_of_a_number_that_is_a_date": (
        't = { css = "b", type = "int", min = 2026-01-01 }',
        "fields.t.min: 2026-01-01 is no number",
    ),
    "max_of_a_date_that_is_a_number": ('t = { css = "b", type = "date", max = 5 }',
                                       "fields.t.max: 5 is no date"),
    "max_of_a_date_that_is_a_time": (
        't = { css = "b", type = "date", max = 2026-01-01T10:00:00 }',
        "fields.t.max: 2026-01-01 10:00:00 is a time, not a date",
    ),
    "crossed": ('t = { css = "b", type = "money", min = 3, max = 2.5 }',
                "fields.t.max: 2.5 is below min 3"),
    "crossed_times": (
        't = { css = "b", type = "datetime", timezone = "Asia/Tokyo", '
        "min = 2026-01-01T00:00:00Z, max = 2026-01-01T08:00:00 }",
        "fields.t.max: 2026-01-01 08:00:00 is below min 2026-01-01 00:00:00+00:00",
    ),
    "enum_of_another_type": ('t = { css = "b", type = "int", enum = [1, "two"] }',
                             "fields.t.enum: 'two' is no int"),
    "enum_of_numbers_for_texts": ('t = { css = "b", enum = [1] }', "fields.t.enum: 1 is no str"),
    "enum_of_dates": ('t = { css = "b", type = "date", enum = ["2026-01-01"] }',
                      "fields.t.enum: is for str, int, float, url, not for date"),
    "empty_enum": ('t = { css = "b", enum = [] }',
                   "fields.t.enum: Tuple should have at least 1 item after validation, not 0"),
    "const_of_another_type": ('t = { const = "many", type = "int" }',
                              "fields.t.const: 'many' is no int: 0 numbers"),
    "const_beyond_its_max": ('t = { const = 5, type = "int", max = 4 }',
                             "fields.t.const: 5 is above max 4"),
    "const_that_is_a_table": ("t = { const = { a = 1 } }",
                              "fields.t.const: a text, a number, true, false or a date"),
    "column_of_ours": ('kind.css = "b"', "fields.kind is a column of ours; choose another name"),
}  # fmt: skip


def file_of(field, rest=""):
    head = f'seeds = ["a.txt"]\n[[sites]]\nname = "shop"\nhosts = ["a.org"]\n{rest}\n'
    return f"{head}[sites.fields]\n{field}\n"


def message_of(text):
    with pytest.raises(ConfigError) as error:
        parse_crawl_file(text, "shop.toml")
    return str(error.value).removeprefix("shop.toml: ")


@pytest.mark.parametrize(("field", "message"), WRONG.values(), ids=WRONG.keys())
def test_what_is_wrong_in_a_field_is_told_with_its_key(field, message):
    told = message_of(file_of(field)).replace("sites.1: fields.kind", "fields.kind")
    assert told == (
        message if message.startswith(("unknown", "fields.kind")) else f"sites.1.{message}"
    )


WRONG_RULES = {
    "url": ('url = "("', "url: '(' is not a regular expression: missing ), unterminated "
            "subpattern at position 0"),
    "key": ('key = "name"', "key: there is no field 'name'; valid: t"),
    "misspelt_key": ('key = "tt"', "key: there is no field 'tt'; did you mean 't'?"),
    "locale": ('locale = "deutsch"', "locale: there is no locale 'deutsch'"),
    "timezone": ('timezone = "Europe/Berln"', "timezone: there is no time zone 'Europe/Berln'; "
                 "did you mean 'Europe/Berlin'?"),
    "extractor": ('extractor = "shop"', "extractor: 'shop' is not module:function"),
    "no_module": ('extractor = "no_such:f"', "extractor: there is no module 'no_such', here or"),
    "no_function": (
        'extractor = "tests.scraper.extract.extractors:shopp"',
        "extractor: tests.scraper.extract.extractors has no function 'shopp'; did you mean "
        "'shop'?",
    ),
    "async": ('extractor = "tests.scraper.extract.extractors:asynchronous"',
              "extractor: tests.scraper.extract.extractors:asynchronous is async"),
}  # fmt: skip


@pytest.mark.parametrize(("rest", "message"), WRONG_RULES.values(), ids=WRONG_RULES.keys())
def test_what_is_wrong_in_a_rule_is_told_with_its_key(rest, message):
    assert message_of(file_of(OK, rest)).startswith(f"sites.1.{message}")


def test_a_key_has_one_value():
    text = file_of('t = { css = "b", many = true }', 'key = "t"')
    assert message_of(text) == "sites.1.key: 't' has many values: a key has one"


def test_the_rule_s_locale_counts_for_what_a_field_says():
    text = file_of('t = { const = "1.234", type = "int" }', 'locale = "LOCALE"')
    parse_crawl_file(text.replace("LOCALE", "de"), "x")
    assert message_of(text.replace("LOCALE", "en")) == (
        "sites.1.fields.t.const: '1.234' is no int: not whole"
    )


def test_a_constant_that_is_cleaned_first_is_judged_later():
    parse_crawl_file(file_of('t = { const = "5 x", type = "int", regex = "[0-9]+" }'), "x")


def test_a_field_needs_a_source_unless_there_is_an_extractor():
    rest = 'extractor = "tests.scraper.extract.extractors:shop"'
    parse_crawl_file(file_of('t.type = "int"', rest), "x")
    assert message_of(file_of('t.type = "int"')) == (
        "sites.1.fields.t: needs css, json_ld, open_graph, meta, html, url, seed or const"
    )
