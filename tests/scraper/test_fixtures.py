"""Pages kept beside what they must give, and their replay."""

import json
from datetime import UTC, datetime

import pytest

from scraper.crawlfile import read_crawl_file
from scraper.errors import ConfigError
from scraper.explain import Explanation
from scraper.fixtures import Difference, Fixture, read_fixtures, replay, save_fixture
from scraper.models import Outcome, Page, Reason
from scraper.rules import RuleChoice

RULES = """
seeds = ["https://shop.org/1"]
[[sites]]
name = "Shop & Söhne"
hosts = ["shop.org"]
[sites.fields]
name = { css = "h1", required = true }
made = { css = "time", type = "date" }
shelf = { seed = "shelf" }
"""
PAGE = "<h1>Stuhl</h1><time>2026-03-04</time>"
ITEM = {"site": "Shop & Söhne", "kind": "item", "name": "Stuhl", "made": "2026-03-04", "shelf": "a"}


def write(folder, *, html=PAGE, rules=RULES, **about):
    (folder / "shop.toml").write_text(rules, encoding="utf-8")
    (folder / "kept.html").write_bytes(html.encode() if isinstance(html, str) else html)
    known = {"url": "https://shop.org/1", "crawl_file": "shop.toml", "rule": "Shop & Söhne"}
    known |= {"seed": {"shelf": "a"}, "items": [ITEM]} | about
    text = json.dumps({key: value for key, value in known.items() if value is not None})
    (folder / "kept.json").write_text(text)
    return folder


def differences(folder):
    return [one for path, fixture in read_fixtures(folder) for one in replay(path, fixture)]


def test_a_page_that_gives_its_items_differs_in_nothing(tmp_path):
    assert differences(write(tmp_path)) == []


def test_fixtures_are_found_in_folders_below(tmp_path):
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    assert [path for path, _ in read_fixtures(write(below).parents[1])] == [below / "kept.json"]


def test_one_fixture_can_be_replayed_by_itself(tmp_path):
    assert differences(write(tmp_path) / "kept.json") == []


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        (
            {"html": PAGE.replace("Stuhl", "Tisch")},
            [Difference(place="items.1.name", expected="Stuhl", found="Tisch")],
        ),
        (
            {"html": "<p>nothing</p>"},
            [
                Difference(
                    place="reason",
                    expected="ok",
                    found="missing_field: rule Shop & Söhne, field name: nothing found",
                ),
                Difference(place="items", expected=1, found=0),
            ],
        ),
        (
            {"seed": {}},
            [Difference(place="items.1.shelf", expected="a", found=None)],
        ),
        (
            {"items": [{key: value for key, value in ITEM.items() if key != "made"}]},
            [Difference(place="items.1.made", expected=None, found="2026-03-04")],
        ),
        (
            {"items": [ITEM | {"price": 1}]},
            [Difference(place="items.1.price", expected=1, found=None)],
        ),
        (
            {"items": [ITEM, ITEM]},
            [Difference(place="items", expected=2, found=1)],
        ),
        (
            {"rule": "other"},
            [Difference(place="rule", expected="other", found="Shop & Söhne")],
        ),
    ],
    ids=["value", "missing", "seed", "new field", "lost field", "count", "rule"],
)
def test_what_differs_is_told_field_by_field(tmp_path, changed, told):
    assert differences(write(tmp_path, **changed)) == told


def test_a_page_may_be_expected_to_fail(tmp_path):
    write(tmp_path, html="<p>nothing</p>", reason="missing_field", items=[])
    assert differences(tmp_path) == []


def test_the_charset_of_the_header_is_kept(tmp_path):
    html = PAGE.replace("Stuhl", "Стул").encode("cp1251")
    item = ITEM | {"name": "Стул"}
    write(tmp_path, html=html, items=[item], content_type="text/html; charset=windows-1251")
    assert differences(tmp_path) == []


def test_without_a_crawl_file_the_generic_fields_are_compared(tmp_path):
    write(tmp_path, crawl_file=None, rule=None, items=[{"title": "x"}])
    places = [one.place for one in differences(tmp_path)]
    assert places[:2] == ["items.1.title", "items.1.site"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", "can't be read as a fixture"),
        ('{"url": "https://a.org/"}', "items: Field required"),
        ('{"url": "https://a.org/", "items": [], "rulle": 1}', "'rulle'; did you mean 'rule'?"),
        ('{"url": 7, "items": []}', "url: Input should be a valid string"),
        ("[]", "the file: Input should be"),
    ],
    ids=["no JSON", "no items", "a wrong key", "a wrong type", "a list"],
)
def test_a_broken_fixture_is_told_with_file_and_key(tmp_path, text, told):
    write(tmp_path)
    (tmp_path / "kept.json").write_text(text)
    with pytest.raises(ConfigError, match=r"kept\.json: ") as error:
        differences(tmp_path)
    assert told in str(error.value)


@pytest.mark.parametrize("missing", ["kept.html", "shop.toml"])
def test_what_a_fixture_needs_must_be_there(tmp_path, missing):
    write(tmp_path)
    (tmp_path / missing).unlink()
    with pytest.raises(ConfigError, match=missing):
        differences(tmp_path)


def test_a_folder_without_fixtures_is_told(tmp_path):
    with pytest.raises(ConfigError, match="holds no fixtures"):
        list(read_fixtures(tmp_path))


def explained(folder, **about):
    (folder / "shop.toml").write_text(RULES, encoding="utf-8")
    rule = read_crawl_file(folder / "shop.toml").sites[0]
    page = Page(
        url="https://shop.org/../../etc/passwd?x=/.html",
        final_url="https://shop.org/1",
        redirects=(),
        http_status=200,
        headers=(("Content-Type", "text/html; charset=utf-8"),),
        body=PAGE.encode(),
        fetched_at=datetime(2026, 11, 24, 12, tzinfo=UTC),
        elapsed_s=0.1,
    )
    about = {"page": page, "rule": RuleChoice(rule=rule, why="")} | about
    return Explanation(
        outcome=Outcome(row=1, url=page.url, reason=Reason.OK),
        robots=(),
        steps=(),
        items=(
            {"url": page.url, "final_url": page.final_url, "fetched_at": page.fetched_at} | ITEM,
        ),
        seed={"shelf": "a"},
        **about,
    )


def test_a_saved_fixture_holds_when_it_is_replayed(tmp_path):
    found = explained(tmp_path)
    path = save_fixture(tmp_path / "kept" / "deep", found, crawl_file=str(tmp_path / "shop.toml"))
    assert path.name == "2026-11-24_shop---s-hne_" + path.stem.rsplit("_", 1)[1] + ".json"
    assert json.loads(path.read_text()) == {
        "url": "https://shop.org/1",
        "content_type": "text/html; charset=utf-8",
        "crawl_file": "../../shop.toml",
        "rule": "Shop & Söhne",
        "seed": {"shelf": "a"},
        "items": [ITEM],
    }
    assert differences(tmp_path / "kept") == []


def test_no_part_of_a_fixture_s_name_comes_from_the_page(tmp_path):
    path = save_fixture(tmp_path, explained(tmp_path, rule=None))
    assert path.parent == tmp_path
    assert path.stem.startswith("2026-11-24_page_")


def test_no_page_no_fixture(tmp_path):
    with pytest.raises(ConfigError, match="no page to keep"):
        save_fixture(tmp_path, explained(tmp_path, page=None))


def test_a_folder_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(ConfigError, match="taken: can't be written"):
        save_fixture(tmp_path / "taken", explained(tmp_path))


def test_a_fixture_is_written_as_it_is_read():
    fixture = Fixture(url="https://a.org/", items=[])
    assert Fixture.model_validate(fixture.model_dump(mode="json")) == fixture
