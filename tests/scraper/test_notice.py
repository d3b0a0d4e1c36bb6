"""Templates and commands of notifications."""

import orjson
import pytest

from scraper.errors import ConfigError
from scraper.notice import NOTICE_FIELDS, check_command, check_template, fill_template
from scraper.settings import flag_layer, load_settings


def test_values_are_put_in_as_json():
    template = '{"text": "{crawl}: {failed} failed", "n": {failed}, "gates": "{gates}"}'
    values = {"crawl": 'a "shop"\n', "failed": 3, "gates": "é"}
    assert orjson.loads(fill_template(template, values)) == {
        "text": 'a "shop"\n: 3 failed',
        "n": 3,
        "gates": "é",
    }


@pytest.mark.parametrize(
    ("template", "told"),
    [
        ('{"text": "{crawll}"}', "there is no {crawll}; valid: crawl, run_id"),
        ('{"text": {crawl}', "gives no JSON"),
        ("hello", "gives no JSON"),
    ],
    ids=["name", "brace", "text"],
)
def test_a_wrong_template_is_told_when_it_is_read(template, told):
    with pytest.raises(ValueError, match=told):
        check_template(template)


def test_all_names_can_be_used():
    check_template("[" + ", ".join(f'"{{{name}}}"' for name in NOTICE_FIELDS) + "]")


@pytest.mark.parametrize("command", ["", "  ", "mail 'x"])
def test_a_command_is_words(command):
    with pytest.raises(ValueError, match=r"names no command|No closing"):
        check_command(command)


@pytest.mark.parametrize(
    ("flag", "told"),
    [
        ("notify.webhook=ftp://a.org", "notify.webhook"),
        ("notify.on=gate,never", "notify.on"),
        ("notify.template={x", "gives no JSON"),
        ("gates.coverage.price=2", "gates.coverage"),
        ("gates.coverag.price=1", "unknown settings group"),
    ],
)
def test_wrong_settings_name_their_key(flag, told):
    with pytest.raises(ConfigError, match=told):
        load_settings(flag_layer([flag]))


def test_coverage_can_be_set_field_by_field_whole_or_off():
    flags = ["gates.coverage.price=0.9", "gates.coverage.name=1"]
    assert load_settings(flag_layer(flags)).all.gates.coverage == {"price": 0.9, "name": 1.0}
    whole = load_settings(flag_layer(["gates.coverage={price = 0.5}"]))
    assert whole.all.gates.coverage == {"price": 0.5}
    assert load_settings(flag_layer(["gates.coverage=none"])).all.gates.coverage == {}
