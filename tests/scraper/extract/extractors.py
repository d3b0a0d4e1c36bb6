"""Extractors for tests, as users write them."""

from collections.abc import Iterator

from scraper import Document


def shop(document: Document) -> dict[str, object]:
    heading = document.tree.css_first("h1")
    return {"name": heading.text() if heading is not None else None, "price": "1.234,50 €"}


def rows(document: Document) -> Iterator[dict[str, object]]:
    for place, node in enumerate(document.tree.css("li"), 1):
        yield {"name": node.text(), "tags": [place, node.text()], "price": place}


def selected(document: Document) -> list[dict[str, object]]:
    return [item | {"name": str(item["name"]).upper()} for item in document.select()]


def told(document: Document) -> dict[str, object]:
    about = (document.url, document.seed.get("shelf"), document.page is not None)
    return {"name": f"{about} {document.html.count('<li>')} {document}"}


def nothing(document: Document) -> list[dict[str, object]]:
    return []


def misspelt(document: Document) -> dict[str, object]:
    return {"nmae": "x"}


def number(document: Document) -> int:
    return 5


def text(document: Document) -> str:
    return "x"


def texts(document: Document) -> list[str]:
    return ["x"]


def wrong_type(document: Document) -> dict[str, object]:
    return {"name": "x", "price": "sold out"}


def listed(document: Document) -> dict[str, object]:
    return {"name": ["x"]}


def unlisted(document: Document) -> dict[str, object]:
    return {"name": "x", "tags": "x"}


def empty(document: Document) -> dict[str, object]:
    return {"name": ""}


def fails(document: Document) -> dict[str, object]:
    raise KeyError("pri\udc00ce")


def fails_late(document: Document) -> Iterator[dict[str, object]]:
    yield {"name": "x"}
    raise RuntimeError("later")


async def asynchronous(document: Document) -> dict[str, object]:
    return {}


async def asynchronous_rows(document: Document):
    yield {}


NO_FUNCTION = 5
