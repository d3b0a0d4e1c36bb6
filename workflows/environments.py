"""The Flyte environments: the image, the reusable batch pool, the orchestrator.

Sizes come from the settings group `cluster`, from the environment alone: they are fixed when
this module is imported. What was set is handed on to the containers, so that the orchestrator
describes its children exactly as the submitter described it.

Source: Union's micro-batching pattern; the Flyte SDK's TaskEnvironment and ReusePolicy.
"""

import math
import os
from datetime import timedelta
from importlib.metadata import requires
from pathlib import Path

import flyte

from scraper.product import PRODUCT
from scraper.settings import ENVIRONMENT_PREFIX, environment_layer, load_settings

__all__ = [
    "BACKOFF",
    "BATCH_TIMEOUT",
    "CRAWL_TIMEOUT",
    "IS_INSTALLED",
    "ROOT",
    "batch_env",
    "cluster",
    "crawl_env",
]

cluster = load_settings(environment_layer(os.environ)).all.cluster

ROOT = Path(__file__).resolve().parent.parent
"""Where `scraper` and `workflows` are: what is imported from there goes along to a cluster."""

IS_INSTALLED = not (ROOT / "pyproject.toml").exists()
"""Whether they came as a package: then they are in the image too, or nowhere."""

_TRACKING = {"DO_NOT_TRACK": "1"} if cluster.do_not_track else {}
_ENV_VARS = _TRACKING | {
    name: value
    for name, value in sorted(os.environ.items())
    if name.startswith(f"{ENVIRONMENT_PREFIX}CLUSTER__")
}
_ENV_VARS["LOG_FORMAT"] = cluster.log_format
_REUSE = flyte.ReusePolicy(
    replicas=(cluster.replicas_min, cluster.replicas_max),
    concurrency=cluster.concurrency,
    idle_ttl=timedelta(seconds=cluster.idle_s),
)

_SECRETS: list[str | flyte.Secret] = [
    flyte.Secret(key=name, as_env_var=name) for name in cluster.secrets
]

BATCH_TIMEOUT = flyte.Timeout(max_runtime=cluster.batch_timeout_s)
CRAWL_TIMEOUT = flyte.Timeout(deadline=cluster.crawl_timeout_s)
BACKOFF = flyte.Backoff(base=timedelta(seconds=1), factor=2.0, cap=timedelta(minutes=2))


def _cores(cpu: str) -> int:
    """The whole cores of a Kubernetes quantity: `2`, `0.5` or `500m`."""
    number = float(cpu.removesuffix("m")) / (1000 if cpu.endswith("m") else 1)
    return max(1, math.ceil(number))


def _image() -> flyte.Image:
    """The image that CI pushed, or one that Flyte builds from the same locked packages."""
    if cluster.image is not None:
        return flyte.Image.from_base(cluster.image)
    image = flyte.Image.from_debian_base(name=PRODUCT, python_version=(3, 12), install_flyte=False)
    lock = ROOT / "requirements.txt"
    if lock.exists():
        return image.with_requirements(lock)
    # Installed from a wheel there is no lock file: the package says what it needs.
    return image.with_pip_packages(*(requires(PRODUCT) or ()))


batch_env = flyte.TaskEnvironment(
    name="scraper-batch",
    image=_image(),
    resources=flyte.Resources(cpu=cluster.batch_cpu, memory=cluster.batch_memory),
    reusable=_REUSE if cluster.reuse else None,
    interruptible=cluster.interruptible,
    secrets=_SECRETS,
    # A container without a limit sees all cores of its node: its workers are for those asked for.
    env_vars=_ENV_VARS | {"PYTHON_CPU_COUNT": str(_cores(cluster.batch_cpu))},
    description="Fetches and parses batches of URLs, several at once in a warm container.",
)

crawl_env = flyte.TaskEnvironment(
    name="scraper-crawl",
    image=_image(),
    resources=flyte.Resources(cpu=cluster.crawl_cpu, memory=cluster.crawl_memory),
    secrets=_SECRETS,
    env_vars=_ENV_VARS,
    # A bundle of the loaded modules leaves out what is imported late, and what is no module.
    include=() if IS_INSTALLED else (str(ROOT / "scraper"), str(ROOT / "workflows")),
    depends_on=[batch_env],
    description="Plans a crawl, runs its partitions side by side, publishes its dataset.",
)
