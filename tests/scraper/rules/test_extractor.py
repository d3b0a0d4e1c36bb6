"""Extractors are found in the working folder, and judged before anything is fetched."""

import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from scraper.rules import FieldRule, SiteRule, load_extractor
from tests.scraper.extract import extractors

HERE = "tests.scraper.extract.extractors"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working folder of the test's own, forgotten afterwards."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    known = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - known:
        del sys.modules[name]


def test_a_function_is_found():
    assert load_extractor(f"{HERE}:shop") is extractors.shop


def test_a_module_in_the_working_folder_is_found(folder):
    (folder / "my_shop.py").write_text("def items(document):\n    return []\n")
    (folder / "json.py").write_text("raise RuntimeError('hides the real one')\n")
    assert load_extractor("my_shop:items")(None) == []
    assert sys.path[-1] == str(folder)
    assert callable(load_extractor("json:loads"))


def test_anything_that_can_be_called_is_one(folder):
    (folder / "my_class.py").write_text("class Items:\n    def __init__(self, document): ...\n")
    assert load_extractor("my_class:Items").__name__ == "Items"


WRONG = {
    f"{HERE}:shopp": f"{HERE} has no function 'shopp'; did you mean 'shop'?",
    f"{HERE}:NO_FUNCTION": f"{HERE}:NO_FUNCTION is not a function but int",
    f"{HERE}:asynchronous": f"{HERE}:asynchronous is async: an extractor is a plain function",
    f"{HERE}:asynchronous_rows": f"{HERE}:asynchronous_rows is async",
    "no_such:f": "there is no module 'no_such', here or in ",
    "tests.no_such.deeper:f": "there is no module 'tests.no_such', here or in ",
}


@pytest.mark.parametrize(("name", "message"), WRONG.items(), ids=WRONG.keys())
def test_what_cannot_be_had_is_told(name, message):
    with pytest.raises(ValueError, match=r".") as error:
        load_extractor(name)
    assert str(error.value).startswith(message)


BROKEN = {
    "syntax": ("def f(:", "SyntaxError: "),
    "raises": ("1 / 0", "ZeroDivisionError: division by zero"),
    "import": ("import no_such_module_there", "No module named 'no_such_module_there'"),
    "name": ("from math import no_such", "ImportError: cannot import name 'no_such'"),
}


@pytest.mark.parametrize(("text", "message"), BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_module_is_told(folder, text, message):
    (folder / "broken_one.py").write_text(text)
    with pytest.raises(ValueError, match=r".") as error:
        load_extractor("broken_one:f")
    assert str(error.value).startswith(f"broken_one can't be imported: {message}")


@pytest.mark.parametrize("name", ["", "shop", "shop:", ":f", "a b:f", "a:f:g", "a/b:f", "a..b:f"])
def test_a_name_is_module_and_function(name):
    with pytest.raises(ValidationError, match="is not module:function"):
        SiteRule(name="a", hosts=["a.org"], fields={"x": FieldRule()}, extractor=name)


def test_a_rule_is_made_without_importing_anything():
    rule = SiteRule(name="a", hosts=["a.org"], fields={"x": FieldRule()}, extractor="not_here:f")
    assert rule.extractor == "not_here:f"
    assert not Path("not_here.py").exists()
