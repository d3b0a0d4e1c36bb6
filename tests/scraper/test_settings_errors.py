import pytest

from scraper.errors import ConfigError
from scraper.settings import Layer, environment_layer, flag_layer, load_settings
from scraper.settings_table import Settings


def file_layer(values=None, hosts=None):
    return Layer(source="shop.toml", values=values or {}, hosts=hosts or {})


ERRORS = {
    "no_equals_sign": (
        flag_layer, ["batch.size"], "--set batch.size: expected group.field=value",
    ),
    "no_group": (flag_layer, ["size=1"], "--set size=1: expected group.field=value"),
    "no_key": (flag_layer, ["=1"], "--set =1: expected group.field=value"),
    "host_without_group": (
        flag_layer, ["hosts.org.delay_s=1"],
        "--set hosts.org.delay_s=1: '' is not the name of a host",
    ),
    "unknown_group": (
        flag_layer, ["throtle.delay_s=1"],
        "--set: unknown settings group 'throtle'; did you mean 'throttle'?",
    ),
    "unknown_field": (
        flag_layer, ["throttle.delay=1"],
        "--set: unknown setting throttle.delay; did you mean 'delay_s'?",
    ),
    "nothing_near": (
        flag_layer, ["batch.x=1"],
        "--set: unknown setting batch.x; valid: max_in_flight, parse_deadline_s, size, workers",
    ),
    "encoding_of_no_text": (
        flag_layer, ["lists.encoding=hex"],
        "--set: lists.encoding = 'hex': Value error, unknown encoding 'hex'",
    ),
    "group_too_deep": (
        flag_layer, ["a.b.c=1"],
        "--set: unknown settings group 'a.b'; valid: " + ", ".join(sorted(Settings.model_fields)),
    ),
    "group_not_of_a_host": (
        flag_layer, ["hosts.a.org.http.contact=x"],
        "--set: unknown settings group 'hosts.\"a.org\".http'; "
        "valid: request, retry, robots, throttle",
    ),
    "unknown_field_of_a_host": (
        flag_layer, ["hosts.a.org.retry.attempt=1"],
        "--set: unknown setting hosts.\"a.org\".retry.attempt; did you mean 'attempts'?",
    ),
    "wrong_value_of_a_host": (
        flag_layer, ["hosts.a.org.retry.attempts=0"],
        '--set [hosts."a.org"]: retry.attempts = 0: Input should be greater than 0',
    ),
    "wrong_word": (
        flag_layer, ["throttle.unit=page"],
        "--set: throttle.unit = 'page': Input should be 'host' or 'domain'",
    ),
    "infinite": (
        flag_layer, ["throttle.delay_s=inf"],
        "--set: throttle.delay_s = inf: Input should be a finite number",
    ),
    "no_contact": (
        flag_layer, ["http.contact="],
        "--set: http.contact = '': String should match pattern '^[!-~]([ -~]*[!-~])?$'",
    ),
    "not_for_a_header": (
        flag_layer, ['http.user_agent="a\\r\\nb: c"'],
        "--set: http.user_agent = 'a\\r\\nb: c': String should match pattern "
        "'^[!-~]([ -~]*[!-~])?$'",
    ),
    "variable_of_no_group": (
        environment_layer, {"SCRAPER_BATCHES__SIZE": "1"},
        "environment: unknown settings group 'batches'; did you mean 'batch'?",
    ),
    "variable_of_no_field": (
        environment_layer, {"SCRAPER_BATCH__SIZES": "1"},
        "environment: unknown setting batch.sizes; did you mean 'size'?",
    ),
    "wrong_variable": (
        environment_layer, {"SCRAPER_BATCH__SIZE": "many"},
        "environment: batch.size = 'many': Input should be a valid integer, "
        "unable to parse string as an integer",
    ),
    "wrong_network": (
        lambda values: file_layer(values), {"network": {"allow": ["10.0.0.0/33"]}},
        "shop.toml: network.allow = '10.0.0.0/33': Value error, "
        "'10.0.0.0/33' does not appear to be an IPv4 or IPv6 network",
    ),
    "wrong_host_in_a_file": (
        lambda hosts: file_layer(hosts=hosts), {"a.org": {"robots": {"obey": "perhaps"}}},
        "shop.toml [hosts.\"a.org\"]: robots.obey = 'perhaps': Input should be a valid boolean, "
        "unable to interpret input",
    ),
    "value_for_a_group": (
        lambda values: file_layer(values), {"batch": 5}, "shop.toml: batch is a group, not a value",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("layer", "given", "message"), ERRORS.values(), ids=ERRORS.keys())
def test_an_error_names_source_key_and_the_nearest_valid_one(layer, given, message):
    with pytest.raises(ConfigError) as error:
        load_settings(layer(given))
    assert str(error.value) == message


def test_the_source_that_won_is_blamed():
    with pytest.raises(ConfigError, match=r"^environment: batch.size = 0: "):
        load_settings(
            file_layer({"batch": {"size": -1}}), environment_layer({"SCRAPER_BATCH__SIZE": "0"})
        )
