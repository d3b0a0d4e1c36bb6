"""Notifications: real commands, a real server on loopback; once, bounded, never a failed run."""

import shlex
import sys
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import orjson
import pytest

from scraper.errors import ConfigError
from scraper.publish.notify import has_notice, is_notice_due, send_notice
from scraper.publish.summary import Gate, Summary
from tests.processes import is_running, wait_until
from tests.scraper.batches import plan, store_in

pytestmark = [pytest.mark.anyio, pytest.mark.sockets]

SHORT = Gate(name="min_items", limit=5, value=1, held=False)


def summary_of(info, *, gates=(SHORT,), failed=0, changes=None):
    return Summary(
        crawl=info.crawl, run_id=info.run_id, rows=3, duplicates=0, invalid=0,
        outcomes={"ok": 3 - failed, "unchanged": 0, "skipped": 0, "failed": failed}, reasons={},
        hosts=1, bytes=10, pages_per_s=1.0, duration_s=2.5, items=1, changes=changes,
        gates=gates, balanced=True, resumed=0,
    )  # fmt: skip


@contextmanager
def hook(status=200, *, silent=None):
    """A server that takes notifications; `silent` keeps its answer back until it is set."""
    taken = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            size = int(self.headers["Content-Length"])
            taken.append((self.headers["Content-Type"], orjson.loads(self.rfile.read(size))))
            if silent is not None:
                silent.wait(30)
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads, server.block_on_close = True, False
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/hook?key=secret", taken
        if silent is not None:
            silent.set()
        server.shutdown()


def python(code):
    return shlex.join([sys.executable, "-c", code])


def planned(tmp_path, *flags):
    store = store_in(tmp_path)
    return plan(store, ["http://a.org/1"], *flags), store


async def test_a_summary_is_posted_once(tmp_path):
    with hook() as (url, taken):
        info, store = planned(tmp_path, f"notify.webhook={url}")
        summary = summary_of(info)
        assert is_notice_due(info, store, summary)
        assert await send_notice(info, store, summary) == ()
        assert not is_notice_due(info, store, summary)
        assert await send_notice(info, store, summary) == ()
    ((kind, body),) = taken
    assert kind == "application/json"
    assert (body["crawl"], body["run_id"], body["rows"]) == ("shop", info.run_id, 3)
    assert (body["state"], body["store"]) == ("gate fell short", store.url)
    assert body["gates"] == [{"name": "min_items", "limit": 5, "value": 1, "held": False}]


async def test_a_template_says_what_is_posted(tmp_path):
    template = '{"text": "{run} {state}: {failed} of {rows} failed, {gates}; {events}"}'
    with hook() as (url, taken):
        flags = [f"notify.webhook={url}", f"notify.template={template}", "notify.on=gate,failure"]
        info, store = planned(tmp_path, *flags)
        await send_notice(info, store, summary_of(info, failed=2))
    text = f"{info.run} gate fell short: 2 of 3 failed, min_items; gate, failure"
    assert taken[0][1] == {"text": text}


CHANGES = {"added": 0, "changed": 1, "gone": 0}


@pytest.mark.parametrize(
    ("on", "more", "is_due"),
    [
        ("gate", {}, True),
        ("gate", {"gates": ()}, False),
        ("change", {}, False),
        ("change", {"changes": CHANGES}, True),
        ("change", {"changes": dict.fromkeys(CHANGES, 0)}, False),
        ("failure", {"failed": 1}, True),
        ("failure", {}, False),
        ("change,failure", {"failed": 1}, True),
        ("always", {"gates": ()}, True),
    ],
)
async def test_what_is_told_is_chosen(tmp_path, on, more, is_due):
    info, store = planned(tmp_path, f"notify.on={on}", "notify.command=/bin/true")
    assert is_notice_due(info, store, summary_of(info, **more)) is is_due


async def test_nobody_is_told_without_an_address(tmp_path):
    info, store = planned(tmp_path, "notify.on=always")
    assert not has_notice(info)
    assert await send_notice(info, store, summary_of(info)) == ()
    assert store.get(f"{info.run}/notified.json") is None


async def test_a_command_gets_the_summary_and_variables_and_no_shell(tmp_path, monkeypatch):
    monkeypatch.setenv("KEPT", "yes")
    target = tmp_path / "told $HOME"
    code = (
        "import os, sys, json; open(sys.argv[1], 'w').write(json.dumps("
        "[json.load(sys.stdin)['rows'], {k: os.environ[k] for k in "
        "('SCRAPER_RUN', 'SCRAPER_STATE', 'SCRAPER_FAILED', 'SCRAPER_STORE', 'KEPT')}]))"
    )
    command = f"{python(code)} {shlex.quote(str(target))}"
    info, store = planned(tmp_path, f"notify.command={command}")
    assert await send_notice(info, store, summary_of(info, failed=1)) == ()
    rows, variables = orjson.loads(target.read_text())
    assert rows == 3
    assert variables == {
        "SCRAPER_RUN": info.run,
        "SCRAPER_STATE": "gate fell short",
        "SCRAPER_FAILED": "1",
        "SCRAPER_STORE": store.url,
        "KEPT": "yes",
    }


@pytest.mark.parametrize(
    ("command", "told"),
    [
        (python("raise SystemExit(3)"), "ended with exit code 3"),
        ("/no/such/command now", "/no/such/command: No such file or directory"),
        (python("import time; time.sleep(60)"), "was ended after 0.5 s"),
    ],
    ids=["code", "missing", "hangs"],
)
async def test_a_command_that_fails_is_a_warning(tmp_path, command, told):
    info, store = planned(tmp_path, f"notify.command={command}", "notify.timeout_s=0.5")
    (warning,) = await send_notice(info, store, summary_of(info))
    assert warning.startswith("notify.command: ")
    assert warning.endswith(told)


async def test_what_a_command_started_ends_with_it(tmp_path):
    pid = tmp_path / "pid"
    sleeper = "import os, sys, time; open(sys.argv[1], 'w').write(str(os.getpid())); time.sleep(60)"
    words = f"[sys.executable, '-c', {sleeper!r}, {str(pid)!r}]"
    child = f"import subprocess, sys; subprocess.run({words})"
    info, store = planned(tmp_path, f"notify.command={python(child)}", "notify.timeout_s=2")
    (warning,) = await send_notice(info, store, summary_of(info))
    assert warning.endswith("was ended after 2 s")
    wait_until(lambda: not is_running(int(pid.read_text())))


async def test_a_refusing_webhook_is_a_warning_without_its_address(tmp_path):
    with hook(status=500) as (url, _):
        info, store = planned(tmp_path, f"notify.webhook={url}")
        told = await send_notice(info, store, summary_of(info))
    assert told == ("notify.webhook: answered HTTP 500",)


async def test_a_webhook_may_be_a_secret_of_the_environment(tmp_path, monkeypatch):
    with hook() as (url, taken):
        monkeypatch.setenv("TELL_US", url)
        info, store = planned(tmp_path, "notify.webhook=env:TELL_US")
        assert await send_notice(info, store, summary_of(info)) == ()
    assert len(taken) == 1
    text = store.get(f"{info.run}/run.json")
    assert b"env:TELL_US" in text
    assert url.encode() not in text
    monkeypatch.delenv("TELL_US")
    with pytest.raises(ConfigError, match=r"notify.webhook: .* TELL_US is not set"):
        planned(tmp_path / "other", "notify.webhook=env:TELL_US")


async def test_a_silent_webhook_is_left_in_time(tmp_path):
    with hook(silent=threading.Event()) as (url, _):
        info, store = planned(tmp_path, f"notify.webhook={url}", "notify.timeout_s=0.3")
        told = await send_notice(info, store, summary_of(info))
    assert len(told) == 1
    assert "notify.webhook: " in told[0]
    assert "secret" not in told[0]


async def test_a_webhook_that_is_not_there_is_a_warning_and_the_command_runs(tmp_path):
    with hook() as (url, _):
        pass
    code = python(f"open({str(tmp_path / 'told')!r}, 'w')")
    info, store = planned(tmp_path, f"notify.webhook={url}", f"notify.command={code}")
    assert await send_notice(info, store, summary_of(info)) == ("notify.webhook: ConnectError",)
    assert (tmp_path / "told").exists()
