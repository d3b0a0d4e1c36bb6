"""Errors that cross a task's edge: Flyte keeps a code and a text of them, and loses the type."""

import flyte.errors

from scraper import errors
from scraper.errors import ScraperError

__all__ = ["as_ours", "not_again"]


def not_again(error: ScraperError) -> flyte.errors.NonRecoverableError:
    """An error of ours as one that Flyte doesn't retry. Raises: nothing.

    Nothing of ours heals by itself within a retry; a crashed machine is another matter.
    """
    return flyte.errors.NonRecoverableError(str(error), code=type(error).__name__)


def as_ours(error: flyte.errors.BaseRuntimeError) -> ScraperError:
    """What a task failed with, in its own type again where it is one of ours. Raises: nothing."""
    kind = getattr(errors, error.code, ScraperError)
    is_ours = isinstance(kind, type) and issubclass(kind, ScraperError)
    return kind(str(error)) if is_ours else ScraperError(str(error))
