"""Every reason has its line."""

import pytest

from scraper.models import Reason
from scraper.publish.reasons import REASONS, reasons_rows


def test_each_reason_has_its_line_in_order():
    assert list(REASONS) == list(Reason)
    assert [row[:2] for row in reasons_rows()] == [
        (reason.status.value, reason.value) for reason in Reason
    ]


@pytest.mark.parametrize("reason", Reason)
def test_a_reasons_texts_are_one_line_that_fits_a_table(reason):
    line = REASONS[reason]
    for text in (line.meaning, line.to_do):
        assert text
        assert "\n" not in text
        assert "|" not in text
        assert len(text) < 100
        assert not text.endswith(".")


@pytest.mark.parametrize("reason", [reason for reason in Reason if reason.heals])
def test_reasons_that_heal_say_where_their_rows_are(reason):
    assert "failed.jsonl" in REASONS[reason].to_do
