from datetime import UTC, datetime

import orjson
import pytest

from scraper.asked import Asked, has_request, load_request, save_request
from scraper.errors import ConfigError
from scraper.store import Store
from tests.scraper.batches import store_in

RUN = "shop/r1"
AT = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)


@pytest.fixture
def store(tmp_path) -> Store:
    return store_in(tmp_path)


def test_what_was_saved_is_loaded(store):
    asked = Asked(
        seeds="/lists/shop.csv",
        crawl="shop",
        url_column="link",
        crawl_file="seeds = []",
        settings=("throttle.delay_s=0", "http.contact=me@example.org"),
        environment={"SCRAPER_HTTP__PROXY": "none"},
    )
    assert not has_request(store, RUN)
    save_request(store, RUN, asked, at=AT)
    assert has_request(store, RUN)
    assert load_request(store, RUN) == (asked, AT)


def test_a_run_that_nobody_asked_for_has_none(store):
    assert load_request(store, RUN) is None


@pytest.mark.parametrize(
    "text",
    [b"", b"[]", b"{}", b'{"asked_at": "x", "settings": []}', b'{"seeds": "a"}'],
    ids=["empty", "a list", "nothing", "no time", "half"],
)
def test_what_another_version_wrote_is_told(store, text):
    store.put("shop/r1/request.json", text)
    with pytest.raises(ConfigError, match=r"shop/r1/request.json: not a request of this version"):
        load_request(store, RUN)


def test_an_unknown_field_is_told(store):
    about = {"seeds": "a", "settings": [], "asked_at": AT, "more": 1}
    store.put("shop/r1/request.json", orjson.dumps(about))
    with pytest.raises(ConfigError, match="not a request of this version"):
        load_request(store, RUN)


def test_a_path_means_the_same_from_anywhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    kept = Asked(seeds="shop.csv").as_kept("shop")
    assert kept == Asked(seeds=str(tmp_path / "shop.csv"), crawl="shop")


@pytest.mark.parametrize("seeds", ["-", "https://example.org/a.csv", "HTTP://example.org/a.toml"])
def test_what_is_no_path_stays_as_it_is(seeds):
    assert Asked(seeds=seeds).as_kept("shop").seeds == seeds


def test_the_text_of_a_crawl_file_goes_with_the_run(tmp_path):
    path = tmp_path / "shop.toml"
    path.write_text('\ufeffseeds = ["http://a.org/"]\n[settings.http]\ncontact = "a@b.org"\n')
    kept = Asked(seeds=str(path)).as_kept("shop")
    path.unlink()
    assert kept.spec().lists == (("http://a.org/",),)
    assert kept.spec().settings.all.http.contact == "a@b.org"


def test_lists_of_a_kept_crawl_file_are_found_beside_where_it_was(tmp_path):
    (tmp_path / "shop.toml").write_text('seeds = ["more.csv"]')
    kept = Asked(seeds=str(tmp_path / "shop.toml")).as_kept("shop")
    (tmp_path / "shop.toml").unlink()
    (found,) = kept.spec().lists
    assert str(getattr(found, "source", found)) == str(tmp_path / "more.csv")


def test_a_text_that_came_along_is_not_read_again(tmp_path):
    asked = Asked(seeds=str(tmp_path / "gone.toml"), crawl_file='seeds = ["http://a.org/"]')
    assert asked.as_kept("gone").crawl_file == asked.crawl_file


def test_of_the_environment_only_settings_are_kept():
    environment = {
        "SCRAPER_THROTTLE__DELAY_S": "2",
        "SCRAPER_STORE": "elsewhere",
        "HOME": "/root",
        "AWS_SECRET_ACCESS_KEY": "secret",
    }
    kept = Asked(seeds="-", environment=environment).as_kept("shop")
    assert kept.environment == {"SCRAPER_THROTTLE__DELAY_S": "2"}
    assert kept.spec().settings.all.throttle.delay_s == 2


def test_the_environment_of_later_does_not_count(monkeypatch):
    monkeypatch.setenv("SCRAPER_THROTTLE__DELAY_S", "9")
    assert Asked(seeds="-", crawl="x").spec().settings.all.throttle.delay_s == 1
