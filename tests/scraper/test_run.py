from datetime import UTC, datetime, timedelta

import orjson
import pytest

from scraper.errors import ConfigError
from scraper.product import PRODUCT, VERSION
from scraper.rules import FieldRule, SiteRule
from scraper.run import (
    RunInfo,
    adopt_workers,
    begin_life,
    check_run_id,
    load_run,
    new_run_id,
    resumed,
    same_settings,
    save_run,
)
from scraper.settings import HostSettings, flag_layer, load_settings
from scraper.settings_table import Settings
from scraper.store import Store

AT = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
RULE = SiteRule(
    name="shop",
    hosts=["a.org"],
    fields={"price": FieldRule(css="b", regex=r"[\d.]+", type="float", required=True)},
)


@pytest.fixture
def store(tmp_path):
    return Store(str(tmp_path / "store"))


def info(*flags, **more):
    known = {"crawl": "shop", "run_id": "r1", "created_at": AT}
    return RunInfo(**known, settings=load_settings(flag_layer(flags)), **more)


def comparable(run):
    fields = {name: getattr(run, name) for name in RunInfo.__slots__ if name != "settings"}
    return fields | {"settings": run.settings.all, "hosts": run.settings.by_host}


RUNS = {
    "least": info(),
    "all": info(
        "http.contact=me@a.org",
        "network.allow=127.0.0.0/8,localhost",
        "gates.max_failed=3",
        "hosts.a.org.throttle.delay_s=0.5",
        sites=(RULE,),
        columns={"shelf": "VARCHAR", "größe": "DOUBLE"},
        list_sha256="ab" * 32,
        batch_size=7,
        rows=10,
        duplicates=2,
    ),
}


@pytest.mark.parametrize("run", RUNS.values(), ids=RUNS.keys())
def test_a_run_is_loaded_as_it_was_saved(store, run):
    save_run(run, store)
    loaded = load_run(store, "shop/r1")
    assert loaded is not None
    assert comparable(loaded) == comparable(run)
    assert loaded.run == "shop/r1"


def test_a_loaded_run_has_its_hosts_settings(store):
    save_run(RUNS["all"], store)
    loaded = load_run(store, "shop/r1")
    assert loaded is not None
    assert loaded.settings.for_host("www.a.org").throttle.delay_s == 0.5
    assert loaded.settings.for_host("b.org").throttle.delay_s == 1.0


def test_run_json_says_what_made_it(store):
    save_run(RUNS["all"], store)
    data = orjson.loads(store.get("shop/r1/run.json") or b"")
    assert data["versions"][PRODUCT] == VERSION
    assert (data["created_at"], data["sites"]) == (
        "2026-01-02T03:04:05.678901+00:00",
        [RULE.model_dump(mode="json", exclude_defaults=True)],
    )


def test_a_run_that_was_never_planned_is_none(store):
    assert load_run(store, "shop/r1") is None


BROKEN = {
    "not_json": b"{",
    "empty": b"",
    "list": b"[]",
    "null": b"null",
    "key_missing": b'{"hosts": {}}',
    "hosts_is_a_list": b'{"hosts": []}',
    "setting_of_another_version": None,
}


@pytest.mark.parametrize("data", BROKEN.values(), ids=BROKEN.keys())
def test_a_run_of_another_version_is_told_with_its_place(store, data):
    save_run(RUNS["least"], store)
    if data is None:
        data = (store.get("shop/r1/run.json") or b"").replace(b'"jitter"', b'"shiver"')
    store.put("shop/r1/run.json", data)
    with pytest.raises(ConfigError) as error:
        load_run(store, "shop/r1")
    place = store.address("shop/r1/run.json")
    assert str(error.value).startswith(f"{place}: not a run of this version: ")


def test_run_ids_sort_by_time_and_differ_by_name():
    ids = [new_run_id(AT + timedelta(seconds=n * 61), "x") for n in range(5)]
    assert ids == sorted(ids)
    assert new_run_id(AT, "x") == "20260102T030405Z-2d7116"
    assert new_run_id(AT, "x") != new_run_id(AT, "y")


@pytest.mark.parametrize(
    "run_id", ["r1", "2026-01-02", "A.b_c-d", "0", "a" * 100, new_run_id(AT, "")]
)
def test_a_run_id_may_stand_in_a_key(run_id):
    assert check_run_id(run_id) == run_id


@pytest.mark.parametrize(
    "run_id", ["", "a/b", "..", ".a", "-a", "a b", "a\n", "größe", "a" * 101, "a:b"]
)
def test_another_run_id_is_refused(run_id):
    with pytest.raises(ConfigError, match=r"^--run-id "):
        check_run_id(run_id)


def test_each_life_of_a_run_is_noted(store):
    assert resumed(store, "shop/r1") == 0
    assert [begin_life(store, "shop/r1") for _ in range(12)] == list(range(12))
    assert begin_life(store, "shop/r10") == 0
    assert (resumed(store, "shop/r1"), resumed(store, "shop/r10")) == (11, 0)


def test_settings_of_a_run_hold_for_hosts_without_their_own():
    settings = HostSettings(Settings(), {})
    assert settings.for_host("a.org") is settings.all


@pytest.mark.parametrize(
    ("flags", "is_same"),
    [
        (["batch.workers=1"], True),
        (["batch.workers=8", "hosts.a.org.throttle.delay_s=3"], True),
        (["batch.workers=none"], True),
        (["batch.size=8"], False),
        (["batch.parse_deadline_s=8"], False),
        (["hosts.a.org.throttle.delay_s=4"], False),
        (["hosts.b.org.throttle.delay_s=3"], False),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_the_number_of_workers_makes_no_other_run(flags, is_same):
    own = ["hosts.a.org.throttle.delay_s=3"]
    flags = flags if any(flag.startswith("hosts") for flag in flags) else flags + own
    one, other = (load_settings(flag_layer(given)) for given in ([*own, "batch.workers=2"], flags))
    assert same_settings(one, other) is is_same


@pytest.mark.parametrize("flag", ["batch.workers=3", "batch.workers=none"])
def test_a_run_goes_on_with_another_number_of_workers_and_says_so(store, flag):
    known = info("batch.workers=2", list_sha256="ab" * 32, rows=7)
    save_run(known, store)
    settings = load_settings(flag_layer([flag]))
    adopted = adopt_workers(known, settings, store)
    assert adopted.settings.all == settings.all
    assert comparable(load_run(store, known.run)) == comparable(adopted)


def test_the_same_number_writes_nothing(store):
    known = info("batch.workers=2")
    assert adopt_workers(known, load_settings(flag_layer(["batch.workers=2"])), store) is known
    assert load_run(store, known.run) is None
