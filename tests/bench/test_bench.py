import json
import sys
import xml.etree.ElementTree as ElementTree

import pytest
from check import differences, fingerprints
from figures import FEW, Round, Spread, figures, ratio
from measure import Failed, Taken, run_measured, split_cores
from origin import HOSTS, _answer, _delay_s, url_of
from pages import page
from report import markdown, svg

from scraper.extract import parse_page

ROW = {
    "url": "http://127.0.0.1/1",
    "title": "One",
    "description": "d",
    "canonical_url": None,
    "lang": "en",
    "h1": "One",
    "text": "One two",
    "links": ["http://127.0.0.1/2"],
    "open_graph": {"og:title": "One"},
    "json_ld": [{"sku": "1"}],
}


def taken(wall_s: float, cpu_s: float = 0.0, mib: int = 0) -> Taken:
    return Taken(wall_s=wall_s, cpu_s=cpu_s, peak_bytes=mib * 2**20)


@pytest.mark.parametrize("kb", [10, 50])
@pytest.mark.parametrize("number", [0, 7, 9_999_999])
def test_a_page_has_its_size_to_the_byte_and_is_the_same_each_time(kb, number):
    assert len(page(kb * 1024, number)) == kb * 1024
    assert page(kb * 1024, number) == page(kb * 1024, number)


def test_a_page_has_what_the_record_asks_for():
    (item,) = parse_page(page(10_240, 123), url="http://127.0.0.1/p10/0000123")
    assert item["title"] == "Thing 0000123 & what is said of it"
    assert str(item["description"]).startswith("All about thing 0000123")
    assert item["canonical_url"] == "http://127.0.0.1/p/0000123"
    assert json.loads(str(item["open_graph"]))["og:url"] == "/p/0000123"
    assert json.loads(str(item["json_ld"]))[0]["sku"] == "0000123"
    links = item["links"]
    assert isinstance(links, list)
    assert 30 < len(links) < 60
    assert "window" not in str(item["text"])


def test_the_hosts_take_turns():
    hosts = {url_of(n).split("/")[2] for n in range(HOSTS * 2)}
    assert len(hosts) == HOSTS


@pytest.mark.parametrize(
    ("path", "status", "bytes_of_body"),
    [
        pytest.param(b"/p10/0000001", b"200 OK", 10_240, id="page"),
        pytest.param(b"/p50/0000001", b"200 OK", 51_200, id="large page"),
        pytest.param(b"/robots.txt", b"200 OK", None, id="robots"),
        pytest.param(b"/elsewhere", b"404 Not Found", 0, id="unknown"),
        pytest.param(b"/p10/x", b"404 Not Found", 0, id="no number"),
    ],
)
def test_the_origin_answers_by_path(path, status, bytes_of_body):
    head, _, body = _answer(path).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 " + status)
    assert f"Content-Length: {len(body)}".encode() in head
    assert bytes_of_body is None or len(body) == bytes_of_body


def test_late_answers_spread_evenly_from_50_to_200_ms():
    delays = [_delay_s(f"/d/p10/{n:07}".encode()) for n in range(151)]
    assert (min(delays), max(delays)) == (0.05, 0.2)
    assert len(set(delays)) == 151


def test_equal_rows_do_not_differ_whatever_the_form_of_their_json_and_white_space():
    other = ROW | {
        "text": " One\ntwo",
        "open_graph": json.dumps(ROW["open_graph"]),
        "json_ld": json.dumps(ROW["json_ld"]),
    }
    assert differences(fingerprints([ROW]), fingerprints([other])) == []


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        pytest.param([ROW | {"title": "Two"}], "title: 'Two', not 'One'", id="title"),
        pytest.param([ROW | {"links": []}], "links: 0, not 1", id="links"),
        pytest.param([ROW | {"text": "One three"}], "text's hash", id="text"),
        pytest.param([ROW | {"json_ld": []}], "json_ld", id="json-ld"),
        pytest.param([], "missing", id="missing"),
        pytest.param([ROW, ROW], "title: None", id="twice"),
        pytest.param([ROW, ROW | {"url": "http://x/"}], "not on the list", id="too many"),
    ],
)
def test_a_difference_is_told(rows, said):
    lines = differences(fingerprints([ROW]), fingerprints(rows))
    assert any(said in line for line in lines)


def test_the_start_up_is_taken_off_rates_and_cpu():
    rounds = [
        Round(few=taken(1.0, 0.5), all=taken(3.0, 1.5, mib=100)),
        Round(few=taken(1.0, 0.5), all=taken(5.0, 2.5, mib=120)),
        Round(few=taken(1.0, 0.5), all=taken(2.0, 3.5, mib=110)),
    ]
    found = figures(rounds, pages=1000 + FEW)
    assert found.rate == Spread(median=500.0, low=250.0, high=1000.0)
    assert found.cpu_ms == Spread(median=2.0, low=1.0, high=3.0)
    assert found.startup_s == Spread(median=1.0, low=1.0, high=1.0)
    assert found.peak_mib == Spread(median=110.0, low=100.0, high=120.0)
    assert found.whole_rate.median == pytest.approx(1010 / 3)


def test_the_report_names_tools_ratios_and_notes():
    fast = figures([Round(few=taken(1.0), all=taken(2.0, 0.5))], pages=1000 + FEW)
    slow = figures([Round(few=taken(1.0), all=taken(5.0, 4.0))], pages=1000 + FEW)
    tables = {"ten": {"ours": fast, "scrapy": slow}}
    assert ratio(tables["ten"], "ours", "scrapy") == 4.0
    assert ratio(tables["ten"], "ours", "limit") is None
    text = markdown(tables, ["all the same"])
    assert "- ours against Scrapy: 4.00 times the pages/s, 8.00 by CPU" in text
    assert "- all the same" in text
    picture = ElementTree.fromstring(svg(tables))
    assert "ten, pages/s" in {element.text for element in picture.iter()}


@pytest.mark.sockets
def test_children_count_in_cpu_and_memory():
    spin = (
        "import subprocess, sys, time\n"
        "work = 'import time\\nx = bytearray(64 << 20)\\nend = time.process_time() + 0.3\\n"
        "while time.process_time() < end: pass'\n"
        "subprocess.run([sys.executable, '-c', work], check=True)\n"
    )
    took = run_measured([sys.executable, "-c", spin], cpus=split_cores()[0])
    assert took.cpu_s >= 0.3
    assert took.peak_bytes > 64 << 20


@pytest.mark.sockets
def test_a_command_that_fails_is_told_with_its_last_words():
    with pytest.raises(Failed, match="exit code 3: so long"):
        run_measured(
            [sys.executable, "-c", "print('so long'); raise SystemExit(3)"], cpus=split_cores()[0]
        )
