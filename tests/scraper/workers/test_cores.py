import os

import httpx
import pytest
import respx

from scraper.errors import ConfigError
from scraper.workers.cores import usable_cores, workers_of

CORES = len(os.sched_getaffinity(0))


@pytest.fixture(autouse=True)
def many_cores(monkeypatch):
    monkeypatch.delenv("PYTHON_CPU_COUNT", raising=False)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: set(range(16)))


def write(root, files):
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


LIMITS = {
    "no control groups": ({}, 16),
    "v2, without a limit": (
        {"proc/self/cgroup": "0::/a\n", "sys/fs/cgroup/a/cpu.max": "max 100000\n"},
        16,
    ),
    "v2": ({"proc/self/cgroup": "0::/a\n", "sys/fs/cgroup/a/cpu.max": "400000 100000\n"}, 4),
    "a part of a core": (
        {"proc/self/cgroup": "0::/a\n", "sys/fs/cgroup/a/cpu.max": "150000 100000\n"},
        2,
    ),
    "less than a core": (
        {"proc/self/cgroup": "0::/a\n", "sys/fs/cgroup/a/cpu.max": "10000 100000\n"},
        1,
    ),
    "v2, the limit of a group above": (
        {
            "proc/self/cgroup": "0::/a/b/c\n",
            "sys/fs/cgroup/a/cpu.max": "300000 100000\n",
            "sys/fs/cgroup/a/b/c/cpu.max": "max 100000\n",
        },
        3,
    ),
    "v2 in a container, whose path is the machine's": (
        {"proc/self/cgroup": "0::/../../pod\n", "sys/fs/cgroup/cpu.max": "200000 100000\n"},
        2,
    ),
    "v1": (
        {
            "proc/self/cgroup": "4:memory:/x\n3:cpu,cpuacct:/a\n",
            "sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_quota_us": "500000\n",
            "sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_period_us": "100000\n",
        },
        5,
    ),
    "v1 in a container": (
        {
            "proc/self/cgroup": "3:cpu:/docker/abc\n",
            "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "50000\n",
            "sys/fs/cgroup/cpu/cpu.cfs_period_us": "25000\n",
        },
        2,
    ),
    "v1, without a limit": (
        {
            "proc/self/cgroup": "3:cpu:/\n",
            "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n",
            "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
        },
        16,
    ),
    "more than there are": (
        {"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "6400000 100000\n"},
        16,
    ),
    "nonsense": ({"proc/self/cgroup": "x\n0::/\n", "sys/fs/cgroup/cpu.max": "a b c\n"}, 16),
    "a period of nothing": (
        {"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "100 0\n"},
        16,
    ),
}


@pytest.mark.parametrize(("files", "cores"), LIMITS.values(), ids=LIMITS.keys())
def test_a_limit_of_the_control_group_counts(tmp_path, files, cores):
    write(tmp_path, files)
    assert usable_cores(root=tmp_path) == cores


@pytest.mark.parametrize(("told", "cores"), [("3", 3), ("0", 16), ("default", 16), ("", 16)])
def test_a_container_may_say_what_it_asked_for(tmp_path, monkeypatch, told, cores):
    monkeypatch.setenv("PYTHON_CPU_COUNT", told)
    assert usable_cores(root=tmp_path) == cores


def test_this_machine_has_at_least_one():
    assert usable_cores() >= 1


@pytest.mark.parametrize(("setting", "workers"), [(None, 7), (1, 1), (40, 40)])
def test_the_setting_decides_and_without_it_the_cores(monkeypatch, setting, workers):
    monkeypatch.setenv("PYTHON_CPU_COUNT", "7")
    assert workers_of(setting) == workers


@pytest.mark.parametrize("using", ["httpx", "httpcore"])
@pytest.mark.parametrize("setting", [None, 1])
def test_under_a_mock_all_is_done_in_this_process(using, setting):
    with respx.mock(using=using):
        assert workers_of(setting) == 1


@pytest.mark.parametrize("using", ["httpx", "httpcore"])
def test_under_a_mock_workers_are_refused_by_name(using):
    with respx.mock(using=using), pytest.raises(ConfigError, match=r"set batch\.workers=1"):
        workers_of(2)


def test_a_mock_that_is_over_is_none():
    with respx.mock(using="httpx") as web:
        web.get("http://a.org/").respond(200)
        httpx.get("http://a.org/")
    assert workers_of(2) == 2
