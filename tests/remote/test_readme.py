"""What the README types on a cluster, typed here: its lists lead to a website on loopback."""

import shlex

from tests.test_readme import ON_A_CLUSTER

NAMES = {"run": ": balanced", "resume": ""}


def test_the_commands_on_a_cluster_run(cluster, s3_server, monkeypatch):
    s3_server.make_bucket("bucket-on-a-cluster")
    (cluster.folder / "seeds").mkdir()
    cluster.listed(3, name="seeds/practice-sites.txt")
    for name, value in {
        "NETWORK__ALLOW": "127.0.0.0/8",
        "ROBOTS__OBEY": "false",
        "THROTTLE__DELAY_S": "0",
    }.items():
        monkeypatch.setenv(f"SCRAPER_{name}", value)
    cluster.store = "s3://bucket-on-a-cluster/crawls"
    commands = [shlex.split(line)[1:] for line in ON_A_CLUSTER]
    assert [words[0] for words in commands] == list(NAMES)
    for words in commands:
        at = words.index("--store")
        assert words[at + 1] == "s3://bucket/crawls"
        done = cluster.run(*words[:at], *words[at + 2 :])
        assert done.returncode == 0, done.stderr + cluster.log()
        assert NAMES[words[0]] in done.stdout
