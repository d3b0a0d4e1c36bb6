import pytest
from pydantic import ValidationError

from scraper.settings_table import HOST_GROUPS, Settings, settings_rows


def test_settings_are_frozen_and_closed():
    with pytest.raises(ValidationError, match="frozen"):
        Settings().batch.size = 5
    with pytest.raises(ValidationError, match="Extra inputs"):
        Settings.model_validate({"batch": {"sizes": 5}})


def test_the_table_names_each_setting_once_with_its_effect():
    rows = list(settings_rows())
    assert len({name for name, _, _ in rows}) == len(rows)
    assert all(effect and default for _, default, effect in rows)
    assert set(HOST_GROUPS) < {name.split(".")[0] for name, _, _ in rows}


def test_defaults_are_polite():
    settings = Settings()
    assert (settings.throttle.delay_s, settings.throttle.concurrency) == (1.0, 1)
    assert (settings.robots.obey, settings.network.allow, settings.http.contact) == (True, (), None)
