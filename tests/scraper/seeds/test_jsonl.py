import pytest

from scraper.seeds.rows import RawRow


def row_of(text, url, **columns):
    return [RawRow(line=1, url=url, text=text, columns=columns)]


ROWS = {
    '{"url": "http://a/", "b": "x", "c": 1, "d": 1.5, "e": true, "f": null}': (
        "http://a/",
        {"b": "x", "c": 1, "d": 1.5, "e": True, "f": None},
    ),
    '{"url": "http://a/", "b": [1, {"c": 2}], "d": {}}': (
        "http://a/",
        {"b": [1, {"c": 2}], "d": {}},
    ),
    '{"b": 1, "URL": " http://a/ "}': ("http://a/", {"b": 1}),
    '{"url": "http://a/", "B": 1, "b": 2}': ("http://a/", {"B": 1}),
    '{"url": "http://a/", "_failed": {"reason": "dns"}, "b": 1}': ("http://a/", {"b": 1}),
    '{"url": "http://a/", "": 1}': ("http://a/", {"column_2": 1}),
    '"http://a/"': ("http://a/", {}),
    '{"url": "http://a/", "n": 9223372036854775807}': ("http://a/", {"n": 2**63 - 1}),
    '{"url": "http://a/", "n": -9223372036854775808}': ("http://a/", {"n": -(2**63)}),
    '{"url": "http://a/", "n": 9223372036854775808}': (
        "http://a/",
        {"n": "9223372036854775808"},
    ),
    '{"url": "http://a/", "n": [-92233720368547758090, 1e30]}': (
        "http://a/",
        {"n": ["-92233720368547758090", 1e30]},
    ),
    '{"b": 1}': (None, {"b": 1}),
    '{"url": null, "b": 1}': (None, {"b": 1}),
    '{"url": 7}': (None, {}),
    '{"url": ""}': (None, {}),
    "{}": (None, {}),
    '""': (None, {}),
    "[]": (None, {}),
    "7": (None, {}),
    "null": (None, {}),
    '{"url": "http://a/"': (None, {}),
    '{"url": "http://a/"} x': (None, {}),
    '{"url": "http://a/", "n": NaN}': (None, {}),
    '{"url": "http://a/\\ud800"}': (None, {}),
    '{"url": "http://a/", "n": 9223372036854775808, "m": NaN}': (None, {}),
    '{"url": "http://a/", "n": 9223372036854775808, "m": 1e999}': (None, {}),
    '{"url": "http://a/", "n": 1e999}': (None, {}),
    '{"url": "http://a/\\ud800", "n": 9223372036854775808}': (None, {}),
    "# http://a/": (None, {}),
    "http://a/": (None, {}),
}


@pytest.mark.parametrize("text", ROWS)
def test_a_line_is_an_object_with_a_url(read, text):
    url, columns = ROWS[text]
    assert read("x.jsonl", text.encode()) == row_of(text, url, **columns)


def test_a_long_number_keeps_every_digit(read):
    text = '{"url": "http://a/", "n": ' + "9" * 5000 + "}"
    [row] = read("x.jsonl", text.encode())
    assert row.columns == {"n": "9" * 5000}


@pytest.mark.parametrize(("depth", "url"), [(100, "http://a/"), (300, None), (5000, None)])
def test_what_is_nested_too_deep_to_be_written_is_a_row_without_a_url(read, depth, url):
    text = '{"url": "http://a/", "n": ' + "[" * depth + "1" * 19 + "]" * depth + "}"
    assert [row.url for row in read("x.jsonl", text.encode())] == [url]


def test_bad_lines_are_rows_and_reading_goes_on(read):
    long = b'{"url": "http://a/' + b"x" * 1_048_576 + b'"}'
    data = b'\xef\xbb\xbf{"url":"http://a/"}\r\n\n{\n"\xff"\n' + long + b'\n{"url":"http://b/"}'
    assert read("x.ndjson", data) == [
        RawRow(line=1, url="http://a/", text='{"url":"http://a/"}'),
        RawRow(line=3, url=None, text="{"),
        RawRow(line=4, url="ÿ", text='"ÿ"'),
        RawRow(line=5, url=None, text=long[:2048].decode()),
        RawRow(line=6, url="http://b/", text='{"url":"http://b/"}'),
    ]


def test_another_key_may_hold_the_url(read):
    data = b'{"url": 1, "Link": "http://a/"}'
    assert read("x.jsonl", data, url_column="link") == [
        RawRow(line=1, url="http://a/", text=data.decode(), columns={"url": 1})
    ]
