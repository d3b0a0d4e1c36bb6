import gzip

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scraper.models import Reason
from scraper.robots import MAX_ROBOTS_BYTES, RobotsRules, reason_of_robots
from tests.scraper.robots_answers import BARRED, TOKEN, answer_of

# RFC 9309, section 2.2: what the records say, a path, and whether it may be asked.
RULES = {
    "no records": ("", "/x", True),
    "no group": ("Disallow: /", "/x", True),
    "an empty rule": ("User-agent: *\nDisallow:", "/x", True),
    "everything": ("User-agent: *\nDisallow: /", "/x", False),
    "robots.txt itself": ("User-agent: *\nDisallow: /", "/robots.txt", True),
    "the longer allow": ("User-agent: *\nDisallow: /\nAllow: /x", "/xy", True),
    "the longer disallow": ("User-agent: *\nAllow: /\nDisallow: /x", "/xy", False),
    "allow wins a tie": ("User-agent: *\nDisallow: /x\nAllow: /x", "/x", True),
    "length is of octets": ("User-agent: *\nAllow: /ツ\nDisallow: /%E3%83", "/%E3%83%84", True),
    "a star": ("User-agent: *\nDisallow: /*.gif", "/a/b.gif?c", False),
    "a star and an end": ("User-agent: *\nDisallow: /*.gif$", "/a/b.gif?c", True),
    "an end": ("User-agent: *\nDisallow: /*.gif$", "/a/b.gif", False),
    "a star at the end": ("User-agent: *\nDisallow: /fish*", "/fishing", False),
    "a dollar inside": ("User-agent: *\nDisallow: /a$b", "/a$b", False),
    "a query": ("User-agent: *\nDisallow: /*?", "/a?b", False),
    "case of a path": ("User-agent: *\nDisallow: /A", "/a", True),
    "encoded in the file": ("User-agent: *\nDisallow: /%7Ejoe", "/~joe", False),
    "encoded in the URL": ("User-agent: *\nDisallow: /~joe", "/%7Ejoe", False),
    "case of an encoding": ("User-agent: *\nDisallow: /a%3cd", "/a%3Cd", False),
    "raw in the file": ("User-agent: *\nDisallow: /foo/ツ", "/foo/%E3%83%84", False),
    "an encoded slash": ("User-agent: *\nDisallow: /a/b", "/a%2Fb", True),
    "our own group": (f"User-agent: *\nDisallow: /\nUser-agent: {TOKEN}\nDisallow: /y", "/x", True),
    "no case in our name": ("USER-AGENT: Flyte-Scraper\nDISALLOW: /", "/x", False),
    "our name, versioned": (f"User-agent: {TOKEN}/2.0 (+x)\nDisallow: /", "/x", False),
    "another's name in ours": ("User-agent: scraper\nDisallow: /", "/x", True),
    "another's name before ours": ("User-agent: flyte\nDisallow: /", "/x", True),
    "ours in another's name": (f"User-agent: {TOKEN}-news\nDisallow: /", "/x", True),
    "ours allows, all are barred": (
        f"User-agent: fl\nAllow: /\nUser-agent: *\nDisallow: /x\nUser-agent: {TOKEN}x\nAllow: /",
        "/x",
        False,
    ),
    "our groups are merged": (
        f"User-agent: {TOKEN}\nDisallow: /a\n\nUser-agent: b\nDisallow: /b\n\n"
        f"User-agent: {TOKEN}\nDisallow: /x",
        "/x",
        False,
    ),
    "the first of our groups still counts": (
        f"User-agent: {TOKEN}\nDisallow: /a\n\nUser-agent: {TOKEN}\nDisallow: /x",
        "/a",
        False,
    ),
    "names in a row": (f"User-agent: b\nUser-agent: {TOKEN}\nDisallow: /", "/x", False),
    "a crawl-delay between names": (
        f"User-agent: {TOKEN}\nCrawl-delay: 3\nUser-agent: b\nDisallow: /",
        "/x",
        False,
    ),
    "a sitemap between rules": (
        "User-agent: *\nDisallow: /a\nSitemap: http://a.test/s.xml\nDisallow: /x",
        "/x",
        False,
    ),
    "an unknown record between names": (
        f"User-agent: {TOKEN}\nNoindex: /y\nUser-agent: b\nDisallow: /",
        "/x",
        False,
    ),
    "comments and spaces": ("  user-agent :  *  # all\n Disallow : /x # no", "/x", False),
    "lines that end in CR": ("User-agent: *\rDisallow: /x\r", "/x", False),
    "an HTML page": ("<!DOCTYPE html>\n<p>User-agent: *</p>\n<p>Disallow: /</p>", "/x", True),
}


@pytest.mark.parametrize(("text", "path", "allowed"), RULES.values(), ids=RULES)
def test_what_the_rules_allow(text, path, allowed):
    assert RobotsRules(text, TOKEN).allows(f"http://a.test{path}") is allowed


@pytest.mark.parametrize(
    ("text", "delay_s"),
    [
        ("User-agent: *\nDisallow: /a", 0.0),
        ("User-agent: *\nCrawl-delay: 2.5", 2.5),
        (f"User-agent: *\nCrawl-delay: 9\nUser-agent: {TOKEN}\nDisallow: /a", 0.0),
        (f"User-agent: *\nCrawl-delay: 9\nUser-agent: {TOKEN}\nCrawl-delay: 4", 4.0),
        (f"User-agent: {TOKEN}/1.0\nCrawl-delay: 4", 4.0),
        ("User-agent: *\nSitemap: http://a.test/s.xml\nCrawl-delay: 3", 3.0),
        ("User-agent: *\nCrawl-delay: soon", 0.0),
        ("User-agent: *\nCrawl-delay: -3", 0.0),
        ("User-agent: *\nCrawl-delay: nan", 0.0),
        ("Crawl-delay: 5", 0.0),
    ],
)
def test_crawl_delay(text, delay_s):
    assert RobotsRules(text, TOKEN).crawl_delay_s == delay_s


@pytest.mark.parametrize(
    ("body", "content_encoding", "allowed"),
    [
        (BARRED, None, False),
        (b"\xef\xbb\xbf" + BARRED, None, False),
        (gzip.compress(BARRED), "gzip", False),
        (gzip.compress(b"\xef\xbb\xbf" + BARRED), "gzip", False),
        (gzip.compress(BARRED)[:-9], "gzip", False),
        (b"# caf\xe9\n" + BARRED, None, False),
        (b"not gzip", "gzip", True),
        (b"#" * (MAX_ROBOTS_BYTES - 100) + b"\n" + BARRED, None, False),
        (b"#" * MAX_ROBOTS_BYTES + b"\n" + BARRED, None, True),
        (gzip.compress(b"#" * MAX_ROBOTS_BYTES + b"\n" + BARRED), "gzip", True),
    ],
    ids=[
        "plain",
        "BOM",
        "gzip",
        "BOM in gzip",
        "torn gzip",
        "not UTF-8",
        "undecodable",
        "within the cap",
        "over the cap",
        "over the cap, decoded",
    ],
)
def test_an_answers_body(body, content_encoding, allowed):
    rules = RobotsRules.from_answer(answer_of(body, content_encoding=content_encoding), TOKEN)

    assert rules.allows("http://a.test/x") is allowed


@pytest.mark.parametrize(
    ("reason", "http_status", "meaning"),
    [
        (Reason.OK, 200, Reason.OK),
        (Reason.NO_CONTENT, 204, Reason.OK),
        (Reason.NOT_READY, 202, Reason.OK),
        (Reason.HTTP_4XX, 401, Reason.OK),
        (Reason.HTTP_4XX, 403, Reason.OK),
        (Reason.HTTP_4XX, 404, Reason.OK),
        (Reason.HTTP_4XX, 410, Reason.OK),
        (Reason.HTTP_429, 429, Reason.ROBOTS_UNREACHABLE),
        (Reason.HTTP_5XX, 500, Reason.ROBOTS_UNREACHABLE),
        (Reason.HTTP_5XX, 503, Reason.ROBOTS_UNREACHABLE),
        (Reason.HTTP_OTHER, 304, Reason.ROBOTS_UNREACHABLE),
        (Reason.HTTP_OTHER, 999, Reason.ROBOTS_UNREACHABLE),
        (Reason.TIMEOUT, None, Reason.ROBOTS_UNREACHABLE),
        (Reason.DEADLINE, None, Reason.ROBOTS_UNREACHABLE),
        (Reason.CONNECTION_LOST, None, Reason.ROBOTS_UNREACHABLE),
        (Reason.PROTOCOL, None, Reason.ROBOTS_UNREACHABLE),
        (Reason.REDIRECT_LOOP, None, Reason.ROBOTS_UNREACHABLE),
        (Reason.BAD_REDIRECT, None, Reason.ROBOTS_UNREACHABLE),
        (Reason.DNS, None, Reason.DNS),
        (Reason.CONNECT, None, Reason.CONNECT),
        (Reason.TLS, None, Reason.TLS),
        (Reason.BLOCKED_ADDRESS, None, Reason.BLOCKED_ADDRESS),
        (Reason.OUT_OF_SCOPE, None, Reason.OUT_OF_SCOPE),
    ],
)
def test_what_an_answer_means_for_the_pages(reason, http_status, meaning):
    assert reason_of_robots(reason, http_status) is meaning


TWO_GROUPS = f"""# for all
User-agent: *
Disallow: /

User-agent: {TOKEN}/1.0   # ours
Crawl-delay: 2
Disallow: /shop/
Allow: /shop/public/   # these
Disallow: /*.pdf$
Allow: /a
Disallow: /a
Disallow:
Sitemap: http://a.test/s.xml
Disallow: /ツ
Disallow: /%E3%83
Allow: /docs/index.html
Disallow: /docs
Disallow: /c$d
User-agent: other
Disallow: /x"""

DECIDED = {
    "no rule": ("/b", None),
    "a rule of another group": ("/x", None),
    "an empty rule": ("/", None),
    "the longer allow": ("/shop/public/1", (8, "Allow: /shop/public/   # these")),
    "the shorter one where it alone matches": ("/shop/1", (7, "Disallow: /shop/")),
    "a pattern": ("/b.pdf", (9, "Disallow: /*.pdf$")),
    "the longer of two that forbid": ("/shop/1.pdf", (9, "Disallow: /*.pdf$")),
    "a tie is allowed": ("/ab", (10, "Allow: /a")),
    "octets are counted": ("/%E3%83%84", (14, "Disallow: /ツ")),
    "an index says nothing of its folder": ("/docs/", (17, "Disallow: /docs")),
    "an index": ("/docs/index.html", (16, "Allow: /docs/index.html")),
    "a dollar inside": ("/c$d", (18, "Disallow: /c$d")),
    "robots.txt itself": ("/robots.txt", None),
}


@pytest.mark.parametrize(("path", "line"), DECIDED.values(), ids=DECIDED)
def test_the_line_that_decides_is_named(path, line):
    assert RobotsRules(TWO_GROUPS, TOKEN).deciding_line(f"http://a.test{path}") == line


def test_the_group_of_all_decides_for_those_who_are_not_named():
    assert RobotsRules(TWO_GROUPS, "nobody").deciding_line("http://a.test/b") == (3, "Disallow: /")


@pytest.mark.parametrize(("text", "path", "allowed"), RULES.values(), ids=RULES)
def test_the_deciding_line_says_what_the_rules_say(text, path, allowed):
    line = RobotsRules(text, TOKEN).deciding_line(f"http://a.test{path}")
    assert (line is None or "disallow" not in line[1].lower()) is allowed


PATHS = st.text("/ab*$%2Ecx.?=é#", max_size=6)
LINES = st.one_of(
    st.builds("{}: {}".format, st.sampled_from(["Allow", "Disallow", "disallow "]), PATHS),
    st.builds("{}: /{}".format, st.sampled_from(["Allow", "Disallow"]), PATHS),
    st.sampled_from([f"User-agent: {TOKEN}", "User-agent: *", "User-agent: b", "User-agent:"]),
    st.sampled_from(
        ["Crawl-delay: 1", "Noindex: /", "", "# x", "Allow: /a/index.html", "nonsense"]
    ),
)


@settings(max_examples=400, deadline=None)
@given(st.lists(LINES, max_size=9), st.text("/ab%2Ecx.?=$", max_size=7))
def test_the_deciding_line_always_agrees_with_the_verdict(lines, path):
    text, url = "\n".join(["User-agent: *", *lines]), f"http://a.test/{path}"
    rules = RobotsRules(text, TOKEN)
    line = rules.deciding_line(url)
    if line is None:
        assert rules.allows(url)
    else:
        number, told = line
        assert text.splitlines()[number - 1].strip() == told
        assert told.lower().startswith("allow" if rules.allows(url) else "disallow")
