"""The JSON Schema of a crawl file, for editors: made from the models that check the file.

`python -m scraper.crawlfile_schema` writes `crawlfile.schema.json` beside this module. A crawl
file names it in its first line: `#:schema ../scraper/crawlfile.schema.json`.

What a schema can't say (that a selector compiles, that a locale exists) is told when the file is
read. No errors but those of the disk.

Source: JSON Schema 2020-12; Taplo's `#:schema` directive.
"""

import copy
from pathlib import Path

import orjson
from pydantic import JsonValue

from scraper.crawlfile import CrawlFile
from scraper.settings_table import HOST_GROUPS, Settings

__all__ = ["SCHEMA_FILE", "crawl_file_schema", "schema_text"]

SCHEMA_FILE = Path(__file__).with_name("crawlfile.schema.json")

Schema = dict[str, JsonValue]

_LIST: Schema = {
    "type": "object",
    "description": "a list, and what its name doesn't say of it",
    "properties": {
        "list": {"type": "string", "minLength": 1, "description": "path or URL of the list"},
        "format": {"type": "string", "description": "of the list, whatever its name: csv"},
        "url_column": {"type": "string", "description": "the column that holds the URL"},
        "encoding": {"type": "string", "description": "of the list, whatever it seems to be"},
    },
    "required": ["list"],
    "additionalProperties": False,
}
_ROW: Schema = {
    "type": "object",
    "description": "a row: its URL and any other columns, which ride along",
    "properties": {"url": {"type": "string", "minLength": 1}},
    "required": ["url"],
}
_SEEDS: Schema = {
    "type": "array",
    "minItems": 1,
    "description": "lists and rows, in their order",
    "items": {
        "anyOf": [
            {"type": "string", "description": "a list's path or URL, or a row's URL"},
            _ROW,
            _LIST,
        ]
    },
}


def crawl_file_schema() -> Schema:
    """The schema of a crawl file. Raises: nothing."""
    schema = _for_toml(CrawlFile.model_json_schema())
    groups = _groups(Settings.model_json_schema(), schema)
    properties = _table(schema["properties"])
    properties["seeds"] = copy.deepcopy(_SEEDS)
    properties["settings"] = _closed("for every host", groups)
    of_a_host: Schema = {name: groups[name] for name in HOST_GROUPS}
    properties["hosts"] = {
        "type": "object",
        "description": "by host name, its subdomains included",
        "additionalProperties": _closed("for this host", of_a_host),
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Crawl file",
        **schema,
    }


def schema_text() -> bytes:
    """The schema as it stands in its file. Raises: nothing."""
    options = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
    return orjson.dumps(crawl_file_schema(), option=options)


def _groups(settings: Schema, schema: Schema) -> Schema:
    """The settings by group; their own definitions join those of the schema."""
    plain = _for_toml(settings)
    definitions = _table(plain["$defs"])
    _table(schema["$defs"]).update(definitions)
    # A group's default is what its members' are.
    return {name: {"$ref": _table(group)["$ref"]} for name, group in _properties(plain)}


def _properties(schema: Schema) -> list[tuple[str, JsonValue]]:
    return list(_table(schema["properties"]).items())


def _closed(description: str, properties: Schema) -> Schema:
    return {
        "type": "object",
        "description": description,
        "properties": dict(properties),
        "additionalProperties": False,
    }


def _for_toml(schema: Schema) -> Schema:
    """Without what says nothing there: TOML has no null, and an editor shows a key's name."""
    kept: Schema = {}
    for key, value in schema.items():
        if key in {"properties", "$defs"}:
            kept[key] = {name: _plain(one) for name, one in _table(value).items()}
        elif key == "anyOf" and isinstance(value, list):
            options = [_plain(one) for one in value if one != {"type": "null"}]
            kept |= _table(options[0]) if len(options) == 1 else {"anyOf": options}
        elif key != "title" and value is not None:
            kept[key] = _plain(value)
    return kept


def _plain(value: JsonValue) -> JsonValue:
    if isinstance(value, dict):
        return _for_toml(value)
    return [_plain(one) for one in value] if isinstance(value, list) else value


def _table(value: JsonValue) -> Schema:
    assert isinstance(value, dict)
    return value


if __name__ == "__main__":
    SCHEMA_FILE.write_bytes(schema_text())
