import gzip

import pytest
from backports import zstd

from scraper.errors import ConfigError, ScraperError, StoreError
from scraper.seeds import FetchedList, ListOptions, NeedsNetwork, read_seeds

INDEX = "https://example.org/sitemap.xml"


def index(*locs):
    entries = "".join(f"<sitemap><loc>{loc}</loc></sitemap>\n" for loc in locs)
    return f"<sitemapindex>\n{entries}</sitemapindex>".encode()


def urls(*locs):
    return (
        "<urlset>" + "".join(f"<url><loc>{loc}</loc></url>" for loc in locs) + "</urlset>"
    ).encode()


class Web:
    """Pages by URL; each may stand elsewhere at last."""

    def __init__(self, folder, pages, moved=()):
        self.folder, self.pages, self.moved, self.asked = folder, pages, dict(moved), []

    def __call__(self, url):
        self.asked.append(url)
        if url not in self.pages:
            raise ConfigError(f"{url}: answers 404")
        # Only the file of the latest answer is there.
        for old in self.folder.iterdir():
            old.unlink()
        path = self.folder / f"{len(self.asked)}"
        path.write_bytes(self.pages[url])
        return FetchedList(path=path, url=self.moved.get(url, url), content_type=None)


@pytest.fixture
def web(tmp_path):
    folder = tmp_path / "fetched"
    folder.mkdir()
    return lambda pages, moved=(): Web(folder, pages, moved)


def read(web, source=INDEX, **options):
    return [row.url for row in read_seeds(source, ListOptions(**options), fetch=web)]


def test_each_sitemap_is_read_in_its_place(web):
    site = web(
        {
            INDEX: index("https://example.org/1.xml", "/2.xml.gz", "3.txt", "https://b.org/4"),
            "https://example.org/1.xml": urls("http://a/1", "http://a/2"),
            "https://example.org/2.xml.gz": gzip.compress(urls("http://a/3")),
            "https://example.org/3.txt": b"http://a/4\nhttp://a/5\n",
            "https://b.org/4": zstd.compress(b"http://a/6\n"),
        }
    )
    assert read(site) == [f"http://a/{number}" for number in range(1, 7)]
    assert site.asked == list(site.pages)


def test_a_row_has_the_line_and_columns_of_its_sitemap(web):
    data = b"<urlset>\n\n<url><loc>http://a/</loc><lastmod>2026</lastmod></url></urlset>"
    site = web({INDEX: index("1.xml"), "https://example.org/1.xml": data})
    [row] = read_seeds(INDEX, fetch=site)
    assert (row.line, row.columns) == (3, {"lastmod": "2026"})


def test_a_local_index_is_read_too(web, tmp_path):
    path = tmp_path / "index.xml"
    path.write_bytes(index("https://example.org/1.xml"))
    site = web({"https://example.org/1.xml": urls("http://a/")})
    assert read(site, str(path)) == ["http://a/"]


def test_relative_links_start_from_where_the_index_was_found(web):
    site = web(
        {INDEX: index("1.xml"), "https://cdn.example.org/maps/1.xml": urls("http://a/")},
        moved={INDEX: "https://cdn.example.org/maps/"},
    )
    assert read(site) == ["http://a/"]


def levels(count):
    """Indexes that lead to one another, and a sitemap below the last."""
    pages = {INDEX: index("https://example.org/2.xml")}
    for level in range(2, count + 1):
        pages[f"https://example.org/{level}.xml"] = index(f"https://example.org/{level + 1}.xml")
    return pages | {f"https://example.org/{count + 1}.xml": urls("http://a/")}


@pytest.mark.parametrize("count", [1, 2, 3])
def test_an_index_may_lead_to_indexes(web, count):
    assert read(web(levels(count))) == ["http://a/"]


def test_four_levels_of_indexes_are_too_deep(web):
    site = web(levels(4))
    with pytest.raises(ConfigError, match=r"4\.xml: line 2: indexes lead to .* more than 3 deep$"):
        read(site)
    assert "https://example.org/5.xml" not in site.asked


def test_each_url_is_read_once(web):
    site = web(
        {
            INDEX: index("1.xml", "1.xml#again", INDEX, "2.xml"),
            "https://example.org/1.xml": urls("http://a/"),
            "https://example.org/2.xml": index("/sitemap.xml", "/1.xml", "/2.xml"),
        }
    )
    assert read(site) == ["http://a/"]
    assert site.asked == list(site.pages)


@pytest.mark.parametrize(("most", "fits"), [(2, True), (1, False)])
def test_there_is_a_most_of_sitemaps(web, most, fits):
    site = web(
        {
            INDEX: index("1.xml", "2.xml"),
            "https://example.org/1.xml": urls("http://a/"),
            "https://example.org/2.xml": urls("http://b/"),
        }
    )
    if fits:
        assert read(site, max_sitemaps=most) == ["http://a/", "http://b/"]
    else:
        with pytest.raises(ConfigError, match=r"line 3: leads to more than 1 sitemaps$"):
            read(site, max_sitemaps=most)


CHILDREN = {
    "missing": (None, "https://example.org/1.xml: answers 404"),
    "html": (b"<!doctype html>Not found", "https://example.org/1.xml: is no list: HTML"),
    "cut": (urls("http://a/")[:-3], "https://example.org/1.xml: line 1: broken XML"),
    "cut_gzip": (gzip.compress(urls("http://a/"))[:-5], "https://example.org/1.xml: can't be read"),
    "empty": (b"", "https://example.org/1.xml: line 1: broken XML: no element found"),
    "bomb": (gzip.compress(urls("http://a/" * 999)), "is longer than 5000 bytes, decompressed"),
}


@pytest.mark.parametrize(("data", "message"), CHILDREN.values(), ids=CHILDREN)
def test_a_sitemap_that_cannot_be_read_makes_the_list_an_error(web, data, message):
    pages = {INDEX: index("1.xml")} | (
        {"https://example.org/1.xml": data} if data is not None else {}
    )
    with pytest.raises(ConfigError) as caught:
        read(web(pages), max_bytes=5000)
    assert str(caught.value).startswith(f"{INDEX}: line 2: its sitemap can't be read: ")
    assert message in str(caught.value)


def test_a_table_is_no_sitemap(web):
    site = web({INDEX: index("1.csv"), "https://example.org/1.csv": b"url,b\n"})
    with pytest.raises(ConfigError, match=r"https://example\.org/1\.csv: is no sitemap: csv$"):
        read(site)


def test_a_sitemap_without_pages_is_none_the_worse(web):
    site = web(
        {
            INDEX: index("1.xml", "2.xml", "3.txt"),
            "https://example.org/1.xml": urls(),
            "https://example.org/2.xml": urls("http://a/"),
            "https://example.org/3.txt": b"# none\n",
        }
    )
    assert read(site) == ["http://a/"]


def test_an_index_without_pages_is_an_empty_list(web):
    for pages in ({INDEX: index()}, {INDEX: index("1.xml"), "https://example.org/1.xml": urls()}):
        with pytest.raises(ConfigError, match=r"the list is empty$"):
            read(web(pages))


@pytest.mark.parametrize("loc", ["", " ", "ftp://a/x.xml", "http://", "javascript:x"])
def test_a_link_that_leads_nowhere_makes_the_list_an_error(web, loc):
    with pytest.raises(ConfigError, match=rf"{INDEX}: line 2: the URL of a sitemap is wrong: "):
        read(web({INDEX: index(loc)}))


def test_a_relative_link_of_a_local_index_leads_nowhere(web, tmp_path):
    path = tmp_path / "index.xml"
    path.write_bytes(index("1.xml"))
    with pytest.raises(ConfigError, match=r"line 2: the URL of a sitemap is wrong: '1\.xml'$"):
        read(web({}), str(path))


def test_an_index_needs_the_network_and_a_sitemap_does_not(tmp_path):
    path = tmp_path / "x.xml"
    path.write_bytes(index("https://example.org/1.xml"))
    with pytest.raises(NeedsNetwork, match=r"x\.xml: line 2: is a sitemap index"):
        list(read_seeds(str(path)))
    path.write_bytes(urls("http://a/"))
    assert [row.url for row in read_seeds(str(path))] == ["http://a/"]


def test_trouble_of_the_fetch_itself_is_no_error_of_the_list(tmp_path):
    path = tmp_path / "x.xml"
    path.write_bytes(index("https://example.org/1.xml"))

    def fetch(url):
        raise StoreError("disk full")

    with pytest.raises(ScraperError, match=r"its sitemap can't be read: disk full$") as caught:
        list(read_seeds(str(path), fetch=fetch))
    assert not isinstance(caught.value, ConfigError)
