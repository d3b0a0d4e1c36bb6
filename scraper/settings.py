"""Settings: one typed table, filled from five sources.

Defaults < crawl file `[settings]` < environment `SCRAPER_<GROUP>__<FIELD>` < crawl file
`[hosts.X]` < flags `--set group.field=value`. A flag may name a host too
(`--set hosts.X.throttle.delay_s=0`). A host's settings cover its subdomains.

Every wrong key or value is a `ConfigError` that names its source, the key and the nearest
valid one. Durations are in seconds, sizes in bytes.
"""

import difflib
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from scraper.errors import ConfigError
from scraper.settings_table import HOST_GROUPS, Settings

__all__ = [
    "HostSettings",
    "Layer",
    "environment_layer",
    "flag_layer",
    "host_names",
    "load_settings",
]

ENVIRONMENT_PREFIX = "SCRAPER_"


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """One source of settings: `{group: {field: value}}`, and what each host overrides."""

    source: str
    values: Mapping[str, Any]
    hosts: Mapping[str, Mapping[str, Any]]


class HostSettings:
    """The settings of a run, and those of each host: the longest matching name wins.

    Args:
        settings: those for every host.
        by_host: whole settings by host name; a name covers its subdomains.
    """

    def __init__(self, settings: Settings, by_host: Mapping[str, Settings]) -> None:
        self.all = settings
        self.by_host = dict(by_host)

    def for_host(self, host: str) -> Settings:
        """The settings that hold for one host. Raises: nothing."""
        if not self.by_host:
            return self.all
        for name in host_names(host):
            if name in self.by_host:
                return self.by_host[name]
        return self.all


def host_names(host: str) -> Iterator[str]:
    """A host's own name, then those of its parents: `a.b.org`, `b.org`, `org`."""
    yield host
    while "." in host:
        host = host.split(".", 1)[1]
        yield host


def load_settings(*layers: Layer) -> HostSettings:
    """Lay the sources over one another, the later ones over the earlier.

    Raises:
        ConfigError: a key that doesn't exist or a value that doesn't fit, with its source.
    """
    for layer in layers:
        _check_keys(layer)
    settings = _validated(layers, host=None)
    names = {name for layer in layers for name in layer.hosts}
    return HostSettings(settings, {name: _validated(layers, host=name) for name in sorted(names)})


def environment_layer(environ: Mapping[str, str]) -> Layer:
    """Read `SCRAPER_<GROUP>__<FIELD>` variables; others that begin so are left alone."""
    values: dict[str, dict[str, Any]] = {}
    for name in sorted(environ):
        group, separator, field = name.removeprefix(ENVIRONMENT_PREFIX).partition("__")
        if name.startswith(ENVIRONMENT_PREFIX) and separator:
            values.setdefault(group.lower(), {})[field.lower()] = _parse_value(environ[name])
    return Layer(source="environment", values=values, hosts={})


def flag_layer(assignments: Iterable[str]) -> Layer:
    """Read `--set group.field=value` flags; the value is TOML, a bare word is a string.

    Raises:
        ConfigError: a flag without `=`, or whose key has no group.
    """
    values: dict[str, dict[str, Any]] = {}
    hosts: dict[str, dict[str, Any]] = {}
    for assignment in assignments:
        key, separator, text = assignment.partition("=")
        path, _, field = key.strip().rpartition(".")
        if not separator or not path:
            raise ConfigError(f"--set {assignment}: expected group.field=value")
        if path.startswith("hosts."):
            host, _, group = path.removeprefix("hosts.").rpartition(".")
            target = hosts.setdefault(host.strip('"').lower(), {})
        else:
            group, target = path, values
        target.setdefault(group, {})[field] = _parse_value(text)
    return Layer(source="--set", values=values, hosts=hosts)


def nearest(word: str, valid: Iterable[str]) -> str:
    """Say which valid word was probably meant: `; did you mean 'x'?`, or list them."""
    options = sorted(valid)
    close = difflib.get_close_matches(word, options, n=1, cutoff=0.6)
    return f"; did you mean {close[0]!r}?" if close else f"; valid: {', '.join(options)}"


def _parse_value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text.strip()}")["value"]
    except tomllib.TOMLDecodeError:
        return text.strip()


def _check_keys(layer: Layer) -> None:
    _check_groups(layer.source, layer.values, Settings.model_fields, prefix="")
    for host, values in layer.hosts.items():
        _check_groups(layer.source, values, HOST_GROUPS, prefix=f'hosts."{host}".')


def _check_groups(
    source: str, values: Mapping[str, Any], groups: Iterable[str], *, prefix: str
) -> None:
    for group, fields in values.items():
        if group not in groups:
            hint = nearest(group, groups)
            raise ConfigError(f"{source}: unknown settings group {prefix + group!r}{hint}")
        if not isinstance(fields, Mapping):
            raise ConfigError(f"{source}: {prefix}{group} is a group, not a value")
        valid = _group_model(group).model_fields
        for field in fields:
            if field not in valid:
                hint = nearest(field, valid)
                raise ConfigError(f"{source}: unknown setting {prefix}{group}.{field}{hint}")


def _group_model(group: str) -> type[BaseModel]:
    model = Settings.model_fields[group].annotation
    assert isinstance(model, type)
    assert issubclass(model, BaseModel)
    return model


def _validated(layers: tuple[Layer, ...], *, host: str | None) -> Settings:
    merged: dict[str, dict[str, Any]] = {}
    origin: dict[tuple[str, str], str] = {}
    for source, values in _in_order(layers, host):
        for group, fields in values.items():
            for field, value in fields.items():
                value = _as_list(group, field, value)
                merged.setdefault(group, {})[field] = value
                origin[group, field] = source
    try:
        return Settings.model_validate(merged)
    except ValidationError as error:
        raise ConfigError(_explain(error.errors()[0], origin)) from error


def _in_order(
    layers: tuple[Layer, ...], host: str | None
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    flags = [layer for layer in layers if layer.source == "--set"]
    for layer in layers:
        if layer not in flags:
            yield layer.source, layer.values
    names = list(reversed(list(host_names(host)))) if host else []
    for layer in layers:
        if layer not in flags:
            for name in names:
                yield f'{layer.source} [hosts."{name}"]', layer.hosts.get(name, {})
    for layer in flags:
        yield layer.source, layer.values
        for name in names:
            yield layer.source, layer.hosts.get(name, {})


def _as_list(group: str, field: str, value: Any) -> Any:
    """A bare comma-separated word where a list is wanted."""
    annotation = str(_group_model(group).model_fields[field].annotation)
    if isinstance(value, str) and annotation.startswith("tuple"):
        return [part.strip() for part in value.split(",") if part.strip()]
    return value


def _explain(error: ErrorDetails, origin: Mapping[tuple[str, str], str]) -> str:
    group, field = (str(part) for part in (*error["loc"], "", "")[:2])
    source = origin.get((group, field), "settings")
    return f"{source}: {group}.{field} = {error['input']!r}: {error['msg']}"
