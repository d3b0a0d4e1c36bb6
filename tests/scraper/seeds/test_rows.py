import pytest

from scraper.seeds.rows import column_name, excerpt, split_url


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("", ""),
        ("a" * 2048, "a" * 2048),
        ("a" * 2049, "a" * 2048),
        ("ä" * 2000, "ä" * 1024),
        ("a" + "€" * 2000, "a" + "€" * 682),
        ("😀" * 600, "😀" * 512),
        ("\ud800" * 600, "?" * 600),
    ],
    ids=["empty", "fits", "one_over", "two_bytes", "three_bytes", "four_bytes", "surrogates"],
)
def test_an_excerpt_is_at_most_two_kilobytes_of_whole_characters(text, kept):
    assert excerpt(text) == kept


@pytest.mark.parametrize(
    ("name", "place", "column"),
    [("a", 1, "a"), (" a ", 1, "a"), ("", 3, "column_3"), (" ", 1, "column_1")],
)
def test_a_column_without_a_name_is_called_by_its_place(name, place, column):
    assert column_name(name, place) == column


@pytest.mark.parametrize(
    ("row", "parted"),
    [
        ({"url": " http://a ", "b": 1}, ("http://a", {"b": 1})),
        ({"b": 1, "URL": "http://a"}, ("http://a", {"b": 1})),
        ({"Url": "http://a", "url": "http://b"}, ("http://a", {})),
        ({"b": 1}, (None, {"b": 1})),
        ({"url": " ", "b": 1}, (None, {"b": 1})),
        ({"url": 7, "b": 1}, (None, {"b": 1})),
        ({"url": "http://a", "B": 1, "b": 2, " b": 3}, ("http://a", {"B": 1})),
        ({"url": "http://a", "": 1}, ("http://a", {"column_2": 1})),
        ({"url": "http://a", "_failed": {"reason": "dns"}}, ("http://a", {})),
    ],
    ids=["trimmed", "case", "first_url", "none", "blank", "number", "first", "no_name", "failed"],
)
def test_a_row_is_parted_into_url_and_columns(row, parted):
    assert split_url(row) == parted


def test_another_column_may_hold_the_url():
    row = {"url": "http://a", "Link ": "http://b"}
    assert split_url(row, " link") == ("http://b", {"url": "http://a"})
