import pytest

from scraper.errors import ConfigError
from scraper.seeds.columns import url_place


@pytest.mark.parametrize(
    ("names", "wanted", "place"),
    [
        (["url"], "url", 0),
        (["a", "URL"], "url", 1),
        (["a", "Link "], " LINK", 1),
        (["url", "Url"], "url", 0),
    ],
)
def test_the_column_of_the_url_is_found_in_any_case(names, wanted, place):
    assert url_place(names, wanted, "x") == place


@pytest.mark.parametrize(
    ("names", "wanted", "message"),
    [
        (["urls", "b"], "url", "x: no column 'url', only urls, b; did you mean 'urls'?"),
        (["Page_URL"], "url", "x: no column 'url', only Page_URL; did you mean 'Page_URL'?"),
        (["a"], "link", "x: no column 'link', only a"),
        ([], "url", "x: no column 'url', only "),
    ],
)
def test_a_missing_column_is_told_with_the_nearest(names, wanted, message):
    with pytest.raises(ConfigError) as caught:
        url_place(names, wanted, "x")
    assert str(caught.value) == message


def test_of_many_columns_twenty_are_shown():
    with pytest.raises(ConfigError, match=r"only 0, 1, .*, 19, …$"):
        url_place([str(number) for number in range(99)], "url", "x")
