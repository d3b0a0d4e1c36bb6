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
from types import NoneType
from typing import Annotated, Any, get_args, get_origin

from pydantic import AfterValidator, BaseModel, ValidationError
from pydantic_core import ErrorDetails

from scraper.errors import ConfigError
from scraper.settings_table import HOST_GROUPS, Settings
from scraper.urls import parse_url

__all__ = [
    "HostName",
    "HostSettings",
    "Layer",
    "environment_layer",
    "flag_layer",
    "host_name",
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


def host_name(text: str) -> str:
    """A host's name as URLs have it: lower case, punycode; `*.` before it means nothing more.

    Raises:
        ValueError: it is none: a URL, a name with a port, nothing.
    """
    name = text.strip().removeprefix("*.").rstrip(".")
    url = parse_url(f"http://{name}/")
    if url is None or url.href != f"http://{url.host}/":
        raise ValueError(f"{text!r} is not the name of a host")
    return url.host


HostName = Annotated[str, AfterValidator(host_name)]


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
    """Read `--set group.field=value` flags; the value is TOML, a bare word a string, `none` none.

    Raises:
        ConfigError: a flag without `=`, whose key has no group, or whose host is none.
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
            try:
                target = hosts.setdefault(host_name(host.strip('"')), {})
            except ValueError as error:
                raise ConfigError(f"--set {assignment}: {error}") from error
        elif _is_table(path):
            group, _, table = path.partition(".")
            target, group = values.setdefault(group, {}), table
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
    except (ValueError, RecursionError):
        return text.strip()


def _check_keys(layer: Layer) -> None:
    _check_groups(layer.source, layer.values, Settings.model_fields, prefix="")
    for host, values in layer.hosts.items():
        _check_groups(layer.source, values, HOST_GROUPS, prefix=f'hosts."{host}".')


def _is_table(path: str) -> bool:
    """Whether a key leads into a setting that is a table of its own: `gates.coverage`."""
    group, _, field = path.partition(".")
    fields = _group_model(group).model_fields if group in Settings.model_fields else {}
    return field in fields and get_origin(fields[field].annotation) is dict


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
                value = _meant(group, field, value)
                merged.setdefault(group, {})[field] = value
                origin[group, field] = source
    if host is None and any(merged.get("request", {}).values()):
        raise ConfigError(
            f"{origin['request', next(iter(merged['request']))]}: what is told to one site stands "
            'under it: [hosts."example.org".request]'
        )
    try:
        return Settings.model_validate(merged)
    except ValidationError as error:
        # The cause would print what was given, and that may be a secret.
        raise ConfigError(_explain(error.errors()[0], origin)) from None


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
            yield f'{layer.source} [hosts."{name}"]', layer.hosts.get(name, {})


def _meant(group: str, field: str, value: Any) -> Any:
    """What a bare word stands for: a comma-separated list, or `none`, which TOML lacks."""
    annotation = _group_model(group).model_fields[field].annotation
    if isinstance(value, str | int) and get_origin(annotation) is tuple:
        parts = [part.strip() for part in str(value).split(",")]
        return [part for part in parts if part not in {"", "none"}]
    if value == "none" and get_origin(annotation) is dict:
        return {}
    return None if value == "none" and NoneType in get_args(annotation) else value


def _explain(error: ErrorDetails, origin: Mapping[tuple[str, str], str]) -> str:
    group, field = (str(part) for part in (*error["loc"], "", "")[:2])
    of_group = [source for (name, _), source in origin.items() if name == group]
    source = origin.get((group, field)) or (*of_group, "settings")[0]
    if group == "request" or field == "proxy":
        named = ".".join(str(part) for part in error["loc"] if part != "[key]")
        return f"{source}: {named}: {error['msg'].removeprefix('Value error, ')}"
    return f"{source}: {group}.{field} = {error['input']!r}: {error['msg']}"
