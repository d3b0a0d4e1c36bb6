"""`module:function` → the function, imported from the working folder or the environment.

The working folder comes last on the path, so that a module there hides none of the others.
What can't be had is a `ValueError` that says why.
"""

import importlib
import inspect
import re
import sys
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Annotated

from pydantic import AfterValidator

from scraper.settings import nearest

__all__ = ["ExtractorName", "load_extractor"]

_BROKEN = (
    ArithmeticError, AssertionError, AttributeError, ImportError, LookupError, NameError,
    OSError, RuntimeError, SyntaxError, TypeError, ValueError,
)  # fmt: skip
"""What a module that is broken raises when it is imported."""


def _name(text: str) -> str:
    if re.fullmatch(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*", text) is None:
        raise ValueError(f"{text!r} is not module:function")
    return text


ExtractorName = Annotated[str, AfterValidator(_name)]


@lru_cache(maxsize=64)
def load_extractor(name: str) -> Callable[..., object]:
    """Import an extractor's module and give its function.

    Raises:
        ValueError: no such module or function, or one that can't be called as it has to be.
    """
    module_name, _, function_name = name.partition(":")
    module = _module(module_name)
    found: object = getattr(module, function_name, None)
    if found is None:
        options = [option for option in vars(module) if not option.startswith("_")]
        hint = nearest(function_name, options)
        raise ValueError(f"{module_name} has no function {function_name!r}{hint}")
    if not callable(found):
        raise ValueError(f"{name} is not a function but {type(found).__name__}")
    if inspect.iscoroutinefunction(found) or inspect.isasyncgenfunction(found):
        raise ValueError(f"{name} is async: an extractor is a plain function, without the network")
    return found


def _module(name: str) -> ModuleType:
    folder = str(Path.cwd())
    if folder not in sys.path:
        sys.path.append(folder)
        importlib.invalidate_caches()
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            raise ValueError(f"{name} can't be imported: {error}") from error
        raise ValueError(f"there is no module {error.name!r}, here or in {folder}") from error
    except _BROKEN as error:
        raise ValueError(f"{name} can't be imported: {type(error).__name__}: {error}") from error
