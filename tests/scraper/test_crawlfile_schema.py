"""The JSON Schema of a crawl file is that of the code, and the files that we ship fit it."""

import re
import subprocess
import sys
import tomllib
from datetime import date
from pathlib import Path

import orjson
import pytest

from scraper.crawlfile import CrawlFile
from scraper.crawlfile_schema import SCHEMA_FILE, crawl_file_schema, schema_text
from scraper.demo.crawl import CRAWL_FILE
from scraper.rules import CleanTable, Fallback, FieldRule, SiteRule
from scraper.settings_table import HOST_GROUPS, Settings
from tests.scraper.rules.test_field import WHOLE

ROOT = Path(__file__).parents[2]
SCHEMA = crawl_file_schema()
TYPES = {
    "object": dict, "array": list, "string": (str, date), "boolean": bool,
    "integer": int, "number": (int, float),
}  # fmt: skip
KNOWN = {
    "$schema", "$defs", "title", "description", "default", "type", "properties", "required",
    "additionalProperties", "items", "anyOf", "oneOf", "enum", "const", "minItems", "minLength",
    "minProperties", "minimum", "maximum", "exclusiveMinimum", "pattern", "format", "$ref",
}  # fmt: skip


def errors(value, schema, path="file"):
    """What is wrong with a value: as much of JSON Schema as our schema uses."""
    if "$ref" in schema:
        schema = SCHEMA["$defs"][schema["$ref"].removeprefix("#/$defs/")] | schema
    for key in ("anyOf", "oneOf"):
        if key in schema and all(list(errors(value, one, path)) for one in schema[key]):
            yield f"{path}: none of {key}"
    kind = schema.get("type")
    if kind and (not isinstance(value, TYPES[kind]) or (kind != "boolean" and value is True)):
        yield f"{path}: no {kind}"
    elif value not in schema.get("enum", [value]):
        yield f"{path}: none of {schema['enum']}"
    elif isinstance(value, dict):
        yield from errors_of_table(value, schema, path)
    else:
        yield from errors_of_size(value, schema, path)


def errors_of_size(value, schema, path):
    least = schema.get("minItems", 0) if isinstance(value, list) else schema.get("minLength", 0)
    if isinstance(value, list | str) and len(value) < least:
        yield f"{path}: too short"
    if isinstance(value, int | float) and value < schema.get("minimum", value):
        yield f"{path}: too small"
    for place, one in enumerate(value if isinstance(value, list) else ()):
        yield from errors(one, schema.get("items", {}), f"{path}.{place}")


def errors_of_table(table, schema, path):
    known = schema.get("properties", {})
    for name in schema.get("required", []):
        if name not in table:
            yield f"{path}.{name}: missing"
    for name, value in table.items():
        rest = schema.get("additionalProperties", True)
        if name in known:
            yield from errors(value, known[name], f"{path}.{name}")
        elif rest is False:
            yield f"{path}.{name}: unknown"
        elif isinstance(rest, dict):
            yield from errors(value, rest, f"{path}.{name}")


def schemas(schema):
    """The schema and all that are in it."""
    yield schema
    for key, value in schema.items():
        if key in {"properties", "$defs"}:
            for one in value.values():
                yield from schemas(one)
        elif key in {"anyOf", "oneOf"}:
            for one in value:
                yield from schemas(one)
        elif key in {"items", "additionalProperties"} and isinstance(value, dict):
            yield from schemas(value)


def test_the_file_is_that_of_the_code():
    assert SCHEMA_FILE.read_bytes() == schema_text(), "python -m scraper.crawlfile_schema"


def test_the_module_writes_the_file(tmp_path):
    code = "import runpy; runpy.run_module('scraper.crawlfile_schema', run_name='__main__')"
    before = SCHEMA_FILE.stat().st_mtime_ns
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
    assert SCHEMA_FILE.stat().st_mtime_ns >= before
    assert orjson.loads(SCHEMA_FILE.read_bytes()) == SCHEMA


def test_nothing_in_it_is_unknown_to_this_test():
    assert {key for schema in schemas(SCHEMA) for key in schema} <= KNOWN


def test_every_reference_leads_somewhere():
    names = {schema["$ref"] for schema in schemas(SCHEMA) if "$ref" in schema}
    assert names == {f"#/$defs/{name}" for name in SCHEMA["$defs"]}


def test_it_has_every_key_of_the_models():
    assert set(SCHEMA["properties"]) == set(CrawlFile.model_fields)
    for model in (SiteRule, FieldRule, Fallback, CleanTable):
        properties = SCHEMA["$defs"][model.__name__]["properties"]
        assert list(properties) == list(model.model_fields)
        assert [name for name, one in properties.items() if "description" not in one] == []


def test_it_has_every_setting_and_none_is_required():
    settings = SCHEMA["properties"]["settings"]
    assert list(settings["properties"]) == list(Settings.model_fields)
    hosts = SCHEMA["properties"]["hosts"]["additionalProperties"]
    assert list(hosts["properties"]) == list(HOST_GROUPS)
    for name, group in Settings.model_fields.items():
        schema = SCHEMA["$defs"][settings["properties"][name]["$ref"].rpartition("/")[2]]
        assert list(schema["properties"]) == list(group.annotation.model_fields)
        assert "required" not in schema
        assert all("description" in one for one in schema["properties"].values())


def readme_blocks():
    text = (ROOT / "README.md").read_text()
    return re.findall(r"^```toml\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


FILES = {path.name: path.read_text() for path in sorted((ROOT / "seeds").glob("*.toml"))}
FILES |= {f"readme_{place}": text for place, text in enumerate(readme_blocks())}
FILES |= {"whole": WHOLE, "demo": CRAWL_FILE}


@pytest.mark.parametrize("text", FILES.values(), ids=FILES.keys())
def test_our_crawl_files_fit(text):
    assert list(errors(tomllib.loads(text), SCHEMA)) == []


@pytest.mark.parametrize("name", [path.name for path in sorted((ROOT / "seeds").glob("*.toml"))])
def test_crawl_files_name_the_schema_first(name):
    first = (ROOT / "seeds" / name).read_text().splitlines()[0]
    assert first.startswith("#:schema ")
    assert (ROOT / "seeds" / first.removeprefix("#:schema ")).resolve() == SCHEMA_FILE


RULE = 'seeds = ["a"]\n[[sites]]\nname = "x"\nhosts = ["a.org"]\n'
WRONG = {
    "no_seeds": ("", "file.seeds: missing"),
    "unknown_key": ('seeds = ["a"]\nsite = 1', "file.site: unknown"),
    "row_without_url": ("seeds = [{shelf = 1}]", "file.seeds.0: none of anyOf"),
    "list_with_more": ('seeds = [{list = "a.csv", shelf = 1}]', "file.seeds.0: none of anyOf"),
    "group": ('seeds = ["a"]\n[settings.thottle]', "file.settings.thottle: unknown"),
    "setting": ('seeds = ["a"]\n[settings.throttle]\ndelay = 1',
                "file.settings.throttle.delay: unknown"),
    "setting_s_type": ('seeds = ["a"]\n[settings.throttle]\ndelay_s = "1"',
                       "file.settings.throttle.delay_s: no number"),
    "group_of_a_host": ('seeds = ["a"]\n[hosts."a.org".http]', "file.hosts.a.org.http: unknown"),
    "key_of_a_field": (f"{RULE}fields.t.cs = 'b'", "file.sites.0.fields.t.cs: unknown"),
    "type_of_a_field": (f"{RULE}fields.t.type = 'number'",
                        "file.sites.0.fields.t.type: none of ['str', 'int', 'float', 'bool', "
                        "'date', 'datetime', 'url', 'money', 'list']"),
    "key_of_a_fallback": (f"{RULE}fields.t.fallbacks = [{{cs = 'b'}}]",
                          "file.sites.0.fields.t.fallbacks.0.cs: unknown"),
    "word_of_clean": (f"{RULE}fields.t.clean = ['lowr']",
                      "file.sites.0.fields.t.clean.0: none of oneOf"),
    "no_fields": (RULE, "file.sites.0.fields: missing"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "message"), WRONG.values(), ids=WRONG.keys())
def test_an_editor_sees_what_is_wrong(text, message):
    assert list(errors(tomllib.loads(text), SCHEMA)) == [message]


RIGHT = [
    'seeds = [{url = "https://a.org/", any = {b = 1}}]',
    'seeds = [{list = "a.csv", format = "csv", url_column = "link", encoding = "cp1252"}, "b"]',
]


@pytest.mark.parametrize("text", RIGHT)
def test_seeds_are_texts_rows_and_lists(text):
    assert list(errors(tomllib.loads(text), SCHEMA)) == []
