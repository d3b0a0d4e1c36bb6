"""The cluster that Flyte's own configuration names, and what of this machine it can't reach.

Raises `ConfigError` where none is configured, or where something is only here.
"""

import sys
from collections.abc import Iterable
from pathlib import Path

import flyte
from flyte.config import auto

from scraper.errors import ConfigError
from scraper.product import VERSION
from scraper.rules import SiteRule
from workflows.environments import IS_INSTALLED, ROOT, cluster

__all__ = ["check_extractors_bundled", "check_reachable", "code_options", "connect"]


def connect() -> None:
    """Begin to speak with the cluster.

    Raises:
        ConfigError: none is configured.
    """
    if auto().platform.endpoint is None:
        raise ConfigError(
            "no Flyte cluster is configured: `flyte create config` names one, "
            "`flyte start devbox` starts one on this machine"
        )
    flyte.init_from_config(root_dir=ROOT)


def check_reachable(store: str) -> None:
    """Refuse a store that only this machine has. Raises: `ConfigError`."""
    if "://" not in store or store.startswith(("file:", "memory:")):
        raise ConfigError(f"{store}: a cluster can't reach this folder: name an object store")


def check_extractors_bundled(rules: Iterable[SiteRule]) -> None:
    """Refuse an extractor whose module doesn't go along to the cluster. Raises: `ConfigError`."""
    for rule in rules if not IS_INSTALLED else ():
        module = sys.modules.get((rule.extractor or "").partition(":")[0])
        file = getattr(module, "__file__", None)
        if file is not None and not Path(file).resolve().is_relative_to(ROOT):
            raise ConfigError(
                f"the extractor {rule.extractor} is in {file}: only what is in {ROOT} goes along"
            )


def code_options() -> dict[str, str]:
    """How the code gets to the cluster: as a bundle of this folder, or within the image.

    Raises:
        ConfigError: neither way is open.
    """
    if not IS_INSTALLED:
        return {}
    if cluster.image is None:
        raise ConfigError(
            "cluster.image: name an image that this package is installed in "
            "(SCRAPER_CLUSTER__IMAGE), or run from its source"
        )
    return {"copy_style": "none", "version": VERSION}
