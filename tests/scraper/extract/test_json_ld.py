import orjson
import pytest
from selectolax.lexbor import LexborHTMLParser

from scraper.extract.json_ld import json_ld_blocks, json_ld_values


def blocks_of(*texts, kind="application/ld+json"):
    html = "".join(f'<script type="{kind}">{text}</script>' for text in texts)
    return json_ld_blocks(LexborHTMLParser(html))


@pytest.mark.parametrize(
    ("text", "block"),
    [
        ('{"a": 1}', {"a": 1}),
        ("[]", []),
        ('\n [{"a": 1}, {"b": 2}] \n', [{"a": 1}, {"b": 2}]),
        ('{"a": 1,}', {"a": 1}),
        ('{"a": [1, 2,],}', {"a": [1, 2]}),
        ('{"a": 1 /* one */, // and two\n "b": 2}', {"a": 1, "b": 2}),
        ("{'a': 'b'}", {"a": "b"}),
        ("{a: 1}", {"a": 1}),
        ('{"a": "x\ny"}', {"a": "x\ny"}),
        ('{"a": "x\ty"}', {"a": "x\ty"}),
        ('//<![CDATA[\n{"a": 1}\n//]]>', {"a": 1}),
        ('<![CDATA[{"a": 1}]]>', {"a": 1}),
        (' /*<![CDATA[*/ {"a": 1} /*]]>*/ ', {"a": 1}),
        ('<![CDATA[ {"a": "]]>"} ]]>', {"a": "]]>"}),
        ('<!-- {"a": 1} -->', {"a": 1}),
        ('\ufeff{"a": 1}', {"a": 1}),
        ('{"a": 1};', {"a": 1}),
        ("{&quot;a&quot;: 1}", {"a": 1}),
        ('{"a": "&amp;quot;"}', {"a": "&amp;quot;"}),
        ('{"a": NaN}', {"a": None}),
        ('{"a": "\\ud83d\\ude00"}', {"a": "😀"}),
        ('{"a": "\\ud800"}', {"a": "\ufffd"}),
        ('{"\\udfff": 1,}', {"\ufffd": 1}),
        ('{"a": 1, "a": 2}', {"a": 2}),
        ('{"a": 123456789012345678901234,}', {"a": 1.2345678901234568e23}),
    ],
)
def test_block_is_read_or_repaired(text, block):
    assert blocks_of(text) == [block]


BROKEN = [
    "",
    "   ",
    "hello",
    '{"a": 1, "b": [1, 2',
    '{"a": "b',
    '{"a": "say "hi" now"}',
    '{"a"}',
    '{"a"::1}',
    '{"a": 1e999}',
    '"text"',
    "42",
    "null",
    "[" * 300 + "]" * 300,
    '{"a":' * 5000 + "1" + "}" * 5000,
    "[" * 3000 + ",]" * 3000,
    "[" * 100_000,
]


@pytest.mark.parametrize("text", BROKEN, ids=lambda text: text[:20] or "empty")
def test_broken_block_never_costs_the_others(text):
    assert blocks_of('{"a": 1}', text, '{"b": 2}') == [{"a": 1}, {"b": 2}]


def test_deepest_block_that_is_kept_can_be_written():
    texts = ["[" * depth + "]" * depth for depth in range(195, 260)]
    blocks = blocks_of(*texts)
    assert len(orjson.loads(orjson.dumps(blocks))) == len(blocks) == 59


@pytest.mark.parametrize(
    "kind",
    [
        "application/ld+json",
        "APPLICATION/LD+JSON",
        "application/ld+json; charset=utf-8",
        "application/ld+json;profile=x",
        " application/ld+json ",
    ],
)
def test_type_is_read_leniently(kind):
    assert blocks_of('{"a": 1}', kind=kind) == [{"a": 1}]


@pytest.mark.parametrize("kind", ["application/json", "text/javascript", "xapplication/ld+json"])
def test_other_scripts_are_no_blocks(kind):
    assert blocks_of('{"a": 1}', kind=kind) == []


PRODUCT = {
    "@type": "Product",
    "name": "Lamp",
    "brand": {"name": "Lux"},
    "offers": [{"price": "9.50", "stock": None}, {"price": 10}],
    "tags": ["a", ["b", 1.5, True]],
}


@pytest.mark.parametrize(
    ("path", "values"),
    [
        ("name", ["Lamp"]),
        ("brand.name", ["Lux"]),
        ("offers.price", ["9.50", 10]),
        ("tags", ["a", "b", 1.5, True]),
        ("@type", ["Product"]),
        ("brand", []),
        ("offers.stock", []),
        ("name.first", []),
        ("absent", []),
        ("", []),
        ("offers..price", []),
    ],
)
def test_path_gives_the_scalars_at_its_end(path, values):
    assert json_ld_values([PRODUCT], path) == values


@pytest.mark.parametrize(
    "blocks",
    [
        [PRODUCT],
        [{"@context": "x"}, PRODUCT],
        [[{"@type": "WebSite"}, PRODUCT]],
        [{"@context": "x", "@graph": [{"@type": "WebPage"}, PRODUCT]}],
        [{"@graph": PRODUCT}],
        [[[PRODUCT]], None, "text", 1],
    ],
    ids=["block", "later block", "list", "graph", "graph of one", "nested"],
)
def test_path_starts_at_every_top_level_object(blocks):
    assert json_ld_values(blocks, "brand.name") == ["Lux"]


def test_values_of_all_objects_keep_their_order():
    blocks = [{"name": "a", "@graph": [{"name": "b"}]}, [{"name": ["c", "d"]}]]
    assert json_ld_values(blocks, "name") == ["a", "b", "c", "d"]
