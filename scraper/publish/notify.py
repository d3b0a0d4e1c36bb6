"""Notify: tell people, or programs, how a run ended, once it is published.

In: a published run and its settings `notify`. Out: a command that was run with the summary on its
standard input, a JSON document that was posted; and warnings, one line each, for what didn't work:
a notification never fails a run. A marker in the run says that it was sent: never twice. Both are
bounded in time.

The webhook's address is its owner's own setting: private addresses are fine.

Raises `StoreError` when the store fails.
"""

import asyncio
import contextlib
import os
import shlex
import signal
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime

import httpx
import orjson

from scraper.credentials import webhook_url
from scraper.errors import ConfigError
from scraper.layout import run_key
from scraper.models import Status
from scraper.notice import fill_template
from scraper.product import PRODUCT, VERSION
from scraper.publish.summary import Summary
from scraper.run import RunInfo
from scraper.runs import State
from scraper.settings_table import Notify
from scraper.store import Store

__all__ = ["has_notice", "is_notice_due", "send_notice"]

_STDERR = 2


def has_notice(info: RunInfo) -> bool:
    """Whether anybody wants to be told of a run. Raises: nothing."""
    notify = info.settings.all.notify
    return notify.command is not None or notify.webhook is not None


def is_notice_due(info: RunInfo, store: Store, summary: Summary) -> bool:
    """Whether a published run is one to be told of, and wasn't told of yet.

    Raises:
        StoreError: the store failed.
    """
    events = _events(info.settings.all.notify, summary)
    return has_notice(info) and bool(events) and store.head(_marker(info)) is None


async def send_notice(info: RunInfo, store: Store, summary: Summary) -> tuple[str, ...]:
    """Tell of a published run, if it is one to be told of; give warnings for what didn't work.

    Raises:
        StoreError: the store failed.
    """
    if not await asyncio.to_thread(is_notice_due, info, store, summary):
        return ()
    events = _events(info.settings.all.notify, summary)
    marker = orjson.dumps({"at": datetime.now(UTC), "events": events})
    # Before it is sent: who is killed in between has told nobody, rather than twice.
    if not await asyncio.to_thread(store.create, _marker(info), marker):
        return ()
    notify, values = info.settings.all.notify, _values(summary, store, events)
    whole = orjson.dumps(asdict(summary) | {key: values[key] for key in ("state", "store")})
    warnings = []
    if notify.command is not None:
        warnings.append(await _run_command(notify, whole, values))
    if notify.webhook is not None:
        body = whole if notify.template is None else fill_template(notify.template, values)
        warnings.append(await _post(notify, body))
    return tuple(warning for warning in warnings if warning is not None)


def _events(notify: Notify, summary: Summary) -> list[str]:
    """What happened, of that which is to be told."""
    happened = {
        "gate": not summary.gates_held,
        "change": any((summary.changes or {}).values()),
        "failure": summary.outcomes.get(Status.FAILED, 0) > 0,
        "always": True,
    }
    return [event for event in notify.on if happened[event]]


def _values(summary: Summary, store: Store, events: list[str]) -> dict[str, object]:
    """The values of a template's names."""
    changes = summary.changes or {}
    run = run_key(summary.crawl, summary.run_id)
    return {
        "run": run,
        "state": (State.PUBLISHED if summary.gates_held else State.GATE).value,
        "store": store.url,
        "events": ", ".join(events),
        "gates": ", ".join(gate.name for gate in summary.gates if not gate.held),
        **{key: getattr(summary, key) for key in ("crawl", "run_id", "rows", "items")},
        **{status.value: summary.outcomes.get(status, 0) for status in Status},
        **{kind: changes.get(kind, 0) for kind in ("added", "changed", "gone")},
        "duration_s": summary.duration_s,
    }


async def _run_command(notify: Notify, text: bytes, values: dict[str, object]) -> str | None:
    """Run the command; say what is wrong if it didn't end well."""
    words = shlex.split(notify.command or "")
    try:
        process = await asyncio.create_subprocess_exec(
            *words,
            stdin=asyncio.subprocess.PIPE,
            # Standard output is for data.
            stdout=_STDERR,
            env=os.environ | dict(_variables(values)),
            start_new_session=True,
        )
    except OSError as error:
        return f"notify.command: {words[0]}: {error.strerror or error}"
    try:
        async with asyncio.timeout(notify.timeout_s):
            await process.communicate(text)
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
        return f"notify.command: {words[0]} was ended after {notify.timeout_s:g} s"
    code = process.returncode
    return f"notify.command: {words[0]} ended with exit code {code}" if code else None


def _variables(values: dict[str, object]) -> Iterator[tuple[str, str]]:
    for name, value in values.items():
        yield f"SCRAPER_{name.upper()}", str(value)


async def _post(notify: Notify, body: bytes) -> str | None:
    """Post the document; say what is wrong if it wasn't taken. Its address may be a secret."""
    headers = {"Content-Type": "application/json", "User-Agent": f"{PRODUCT}/{VERSION}"}
    try:
        url = webhook_url(notify.webhook, os.environ) or ""
    except ConfigError as error:
        return str(error)
    try:
        async with (
            asyncio.timeout(notify.timeout_s),
            httpx.AsyncClient(timeout=notify.timeout_s) as client,
            client.stream("POST", url, content=body, headers=headers) as answer,
        ):
            taken = answer.is_success
            return None if taken else f"notify.webhook: answered HTTP {answer.status_code}"
    except TimeoutError:
        return f"notify.webhook: no answer within {notify.timeout_s:g} s"
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        return f"notify.webhook: {type(error).__name__}"


def _marker(info: RunInfo) -> str:
    return run_key(info.run, "notified.json")
