from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scraper.errors import ConfigError
from scraper.settings import (
    HostSettings,
    Layer,
    environment_layer,
    flag_layer,
    host_name,
    host_names,
    load_settings,
)
from scraper.settings_table import Settings, settings_rows

HOST = "shop.example.org"


def file_layer(values=None, hosts=None):
    return Layer(source="shop.toml", values=values or {}, hosts=hosts or {})


def delay(seconds):
    return {"throttle": {"delay_s": seconds}}


def flags(*assignments):
    return load_settings(flag_layer(assignments)).all


def layers_of(sources):
    """Each source sets another delay; its number is its rank."""
    hosts = {HOST: delay(4)} if "host" in sources else {}
    environ = {"SCRAPER_THROTTLE__DELAY_S": "3"} if "environment" in sources else {}
    words = ["throttle.delay_s=5"] * ("flag" in sources)
    words += [f"hosts.{HOST}.throttle.delay_s=6"] * ("flag_host" in sources)
    return (
        file_layer(delay(2) if "file" in sources else {}, hosts),
        environment_layer(environ),
        flag_layer(words),
    )


RANKS = {"file": 2.0, "environment": 3.0, "host": 4.0, "flag": 5.0, "flag_host": 6.0}
SUBSETS = [set(names) for n in range(len(RANKS) + 1) for names in combinations(RANKS, n)]


@pytest.mark.parametrize("sources", SUBSETS, ids=lambda sources: "+".join(sorted(sources)) or "-")
def test_the_most_specific_source_wins(sources):
    settings = load_settings(*layers_of(sources))
    assert settings.for_host(HOST).throttle.delay_s == max([1.0, *(RANKS[s] for s in sources)])
    for_all = sources - {"host", "flag_host"}
    assert settings.all.throttle.delay_s == max([1.0, *(RANKS[s] for s in for_all)])
    assert settings.for_host("example.org") == settings.all


def test_sources_fill_in_what_others_leave_open():
    settings = load_settings(
        file_layer({"throttle": {"jitter": 0.5}}, {"example.org": {"robots": {"obey": False}}}),
        environment_layer({"SCRAPER_RETRY__ATTEMPTS": "7"}),
        flag_layer(["hosts.shop.example.org.throttle.delay_s=9"]),
    )
    expected = Settings.model_validate(
        {
            "throttle": {"jitter": 0.5, "delay_s": 9},
            "robots": {"obey": False},
            "retry": {"attempts": 7},
        }
    )
    assert settings.for_host(HOST) == expected


COVERED = {
    "itself": ("b.org", 2.0),
    "a_subdomain": ("a.b.org", 3.0),
    "of_a_subdomain": ("x.y.a.b.org", 3.0),
    "another_subdomain": ("c.b.org", 2.0),
    "only_whole_labels": ("ab.org", 1.0),
    "the_parent": ("org", 1.0),
    "an_address": ("127.0.0.1", 4.0),
    "another_address": ("127.0.0.2", 1.0),
}


@pytest.mark.parametrize(("host", "seconds"), COVERED.values(), ids=COVERED.keys())
def test_a_host_covers_its_subdomains_and_the_longest_name_wins(host, seconds):
    hosts = {"b.org": delay(2), "a.b.org": delay(3), "127.0.0.1": delay(4)}
    assert load_settings(file_layer(hosts=hosts)).for_host(host).throttle.delay_s == seconds


def test_a_flag_for_a_parent_beats_the_file_for_its_subdomain():
    settings = load_settings(
        file_layer(hosts={"a.b.org": delay(3)}), flag_layer(["hosts.b.org.throttle.delay_s=0"])
    )
    assert settings.for_host("a.b.org").throttle.delay_s == 0


def test_names_of_a_host_begin_with_its_own():
    assert list(host_names("a.b.org")) == ["a.b.org", "b.org", "org"]
    assert list(host_names("localhost")) == ["localhost"]
    assert HostSettings(Settings(), {}).for_host("") == Settings()


HOST_NAMES = {
    "plain": ("example.org", "example.org"),
    "upper_case": ("Example.ORG", "example.org"),
    "dot_at_the_end": ("example.org.", "example.org"),
    "star": ("*.example.org", "example.org"),
    "not_ascii": ("Bücher.example", "xn--bcher-kva.example"),
    "ipv4": ("127.0.0.1", "127.0.0.1"),
    "ipv6": ("[::1]", "[::1]"),
    "one_label": ("localhost", "localhost"),
}


@pytest.mark.parametrize(("text", "name"), HOST_NAMES.values(), ids=HOST_NAMES.keys())
def test_a_host_may_be_spelt_in_many_ways(text, name):
    assert host_name(text) == name
    flag = load_settings(flag_layer([f'hosts."{text}".throttle.delay_s=9']))
    assert flag.for_host(f"{name}").throttle.delay_s == 9


@pytest.mark.parametrize(
    "text", ["", "https://a.org", "a.org:8080", "a.org/b", "a b", "me@a.org", "a..b", "::1"]
)
def test_what_is_no_host_is_refused(text):
    with pytest.raises(ValueError, match="is not the name of a host"):
        host_name(text)
    with pytest.raises(ConfigError, match="is not the name of a host"):
        flag_layer([f'hosts."{text}".throttle.delay_s=9'])


VALUES = {
    "whole_number": ("batch.size=7", lambda s: s.batch.size, 7),
    "number": ("throttle.delay_s=0.25", lambda s: s.throttle.delay_s, 0.25),
    "number_with_underscores": ("archive.flush_bytes=1_000", lambda s: s.archive.flush_bytes, 1000),
    "bool": ("robots.obey=false", lambda s: s.robots.obey, False),
    "bare_word": ("throttle.unit=domain", lambda s: s.throttle.unit, "domain"),
    "quoted": ('http.contact="me@a.org"', lambda s: s.http.contact, "me@a.org"),
    "bare_address": ("http.contact=me@a.org", lambda s: s.http.contact, "me@a.org"),
    "equals_sign_inside": ("http.contact=http://a/?b=c", lambda s: s.http.contact, "http://a/?b=c"),
    "hash_inside": ("http.user_agent=me#1", lambda s: s.http.user_agent, "me#1"),
    "spaces_around": (" retry.attempts = 4 ", lambda s: s.retry.attempts, 4),
    "number_as_text": ("cluster.batch_cpu=2", lambda s: s.cluster.batch_cpu, "2"),
    "none_for_text": ("http.contact=none", lambda s: s.http.contact, None),
    "none_for_a_number": ("gates.max_failed=none", lambda s: s.gates.max_failed, None),
    "comma_list": (
        "network.allow=127.0.0.0/8, LOCALHOST,",
        lambda s: s.network.allow,
        ("127.0.0.0/8", "localhost"),
    ),
    "list_of_one": ("network.deny=a.org", lambda s: s.network.deny, ("a.org",)),
    "toml_list": ('network.deny=["a.org","b.org"]', lambda s: s.network.deny, ("a.org", "b.org")),
    "empty_list": ("network.allow=", lambda s: s.network.allow, ()),
    "none_for_a_list": ("network.allow=none", lambda s: s.network.allow, ()),
    "last_one_counts": ("batch.size=1|batch.size=2", lambda s: s.batch.size, 2),
}


@pytest.mark.parametrize(("flag", "read", "value"), VALUES.values(), ids=VALUES.keys())
def test_flags_are_toml_and_bare_words(flag, read, value):
    assert read(flags(*flag.split("|"))) == value


@pytest.mark.parametrize("name", [name for name, _, _ in settings_rows()])
def test_each_default_can_be_set_as_it_is_shown(name):
    shown = {row: default for row, default, _ in settings_rows()}[name]
    assert flags(f"{name}={shown}") == Settings()
    group, field = name.split(".")
    variable = f"SCRAPER_{group}__{field}".upper()
    assert load_settings(environment_layer({variable: shown})).all == Settings()


def test_none_takes_back_what_a_file_says():
    of_file = file_layer({"http": {"proxy": "http://127.0.0.1:1"}, "network": {"allow": ["a"]}})
    taken_back = flag_layer(["http.proxy=none", "network.allow=none"])
    assert load_settings(of_file, taken_back).all == Settings()


def test_other_variables_are_left_alone():
    environ = {"SCRAPER_STORE": "x", "HOME": "/", "A__B": "1", "scraper_batch__size": "1"}
    assert environment_layer(environ) == Layer(source="environment", values={}, hosts={})


@given(st.text())
def test_whatever_a_flag_says_is_a_setting_or_a_config_error(text):
    try:
        contact = flags(f"http.contact={text}").http.contact
    except ConfigError:
        return
    assert contact is None or contact.isascii()


@pytest.mark.parametrize("text", ["[" * 5000, "1" * 5000], ids=["nested", "digits"])
def test_a_value_that_toml_gives_up_on_is_text(text):
    assert flags(f"http.contact={text}").http.contact == text
