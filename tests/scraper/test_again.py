"""What a retry and a reparse go out from: settings, rules, the crawl file of today."""

from dataclasses import replace

import pytest

from scraper.again import crawl_file_now, spec_of
from scraper.asked import Asked, load_request, save_request
from scraper.crawl import Again
from scraper.errors import ConfigError
from scraper.run import load_run, save_run
from tests.scraper.batches import AT, plan, store_in
from tests.scraper.stored_runs import put_run

RULES = """seeds = ["x.txt"]
[[sites]]
name = "a"
hosts = ["a.org"]
[sites.fields]
title = { css = "h1" }
"""


@pytest.fixture
def store(tmp_path):
    store = store_in(tmp_path)
    info = plan(store, ["http://a.org/1"], "throttle.concurrency=3", "hosts.a.org.retry.attempts=7")
    store.put(f"{info.run}/summary.json", b"{}")
    return store


def former(store):
    return f"shop/{store.folders('shop')[0]}"


def asked(store, kind="retry", **more):
    again = Again(kind=kind, former=former(store), only=more.pop("only", ()))
    return Asked(seeds="/x/shop.toml", again=again, **more)


def test_the_settings_are_the_former_runs_with_flags_over_them(store):
    flags = ("batch.size=7", "hosts.b.org.throttle.delay_s=9")
    settings = spec_of(asked(store, settings=flags), store).settings
    assert (settings.all.throttle.concurrency, settings.all.batch.size) == (3, 7)
    assert settings.for_host("a.org").retry.attempts == 7
    assert settings.for_host("b.org").throttle.delay_s == 9
    assert settings.for_host("c.org").retry.attempts == 3


def test_without_flags_nothing_differs(store):
    known = load_run(store, former(store)).settings
    found = spec_of(asked(store), store).settings
    assert (found.all, found.by_host) == (known.all, known.by_host)


def test_a_reparse_has_the_rules_it_is_given_a_retry_those_of_the_run(store):
    reparsed = spec_of(asked(store, "reparse", crawl_file=RULES), store)
    assert [rule.name for rule in reparsed.sites] == ["a"]
    assert spec_of(asked(store, "reparse"), store).sites == ()
    assert spec_of(asked(store, crawl_file=RULES), store).sites == ()
    assert (reparsed.crawl, reparsed.lists) == ("shop", ())


def test_a_request_with_a_list_is_its_own_spec(store):
    found = spec_of(Asked(seeds="http://a.org/list.txt", crawl="other"), store)
    assert (found.crawl, found.again) == ("other", None)


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"only": ("timeuot",)}, "--only timeuot: no reason to retry; did you mean 'timeout'?"),
        ({"settings": ("retry.attemps=2",)}, "did you mean 'attempts'?"),
        ({"kind": "reparse", "crawl_file": "seeds = ["}, "/x/shop.toml: not TOML"),
    ],
    ids=["reason", "setting", "rules"],
)
def test_what_is_wrong_is_told(store, more, told):
    with pytest.raises(ConfigError, match=told.replace("?", "[?]")):
        spec_of(asked(store, **more), store)


def test_a_run_that_is_not_published_is_no_former_run(tmp_path):
    store = store_in(tmp_path)
    put_run(store, "shop/r1")
    again = Again(kind="retry", former="shop/r1")
    with pytest.raises(ConfigError, match="go on with it: scraper resume shop/r1"):
        spec_of(Asked(seeds="", again=again), store)
    gone = Again(kind="retry", former="shop/r2")
    with pytest.raises(ConfigError, match="no such run"):
        spec_of(Asked(seeds="", again=gone), store)


def test_a_request_is_kept_with_its_former_run(store):
    kept = asked(store, only=("dns",), environment={"SCRAPER_BATCH__SIZE": "5"}).as_kept("shop")
    save_request(store, "shop/r2", kept, at=AT)
    found, at = load_request(store, "shop/r2")
    assert (found, at) == (kept, AT)
    assert found.again == Again(kind="retry", former=former(store), only=("dns",))
    assert found.environment == {}


def test_the_run_keeps_where_it_comes_from(store):
    info = load_run(store, former(store))
    assert info.again is None
    again = Again(kind="reparse", former=info.run)
    save_run(replace(info, run_id="r2", again=again), store)
    assert load_run(store, "shop/r2").again == again


def test_todays_crawl_file_is_found_where_the_run_had_it(store, tmp_path):
    run, path = former(store), tmp_path / "shop.toml"
    path.write_text(RULES)
    save_request(store, run, Asked(seeds=str(path), crawl_file="old"), at=AT)
    assert crawl_file_now(store, run, None) == (str(path), RULES)
    other = tmp_path / "other.toml"
    other.write_text("other")
    assert crawl_file_now(store, run, str(other)) == (str(other), "other")
    path.unlink()
    assert crawl_file_now(store, run, None) == (str(path), None)
    with pytest.raises(ConfigError, match="can't be read as a crawl file"):
        crawl_file_now(store, run, str(path))


@pytest.mark.parametrize("seeds", ["shop.csv", "-", "http://a.org/x.toml"])
def test_a_list_has_no_crawl_file(store, seeds):
    save_request(store, former(store), Asked(seeds=seeds), at=AT)
    assert crawl_file_now(store, former(store), None)[1] is None
