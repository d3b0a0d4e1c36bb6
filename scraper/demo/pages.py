"""The pages of the demo shops: products in, HTML as bytes out.

A page says what it sells four times, as shops do: in its text, as `meta`, as Open Graph and as
JSON-LD. Pure, raises nothing.

Source: schema.org Product and Offer, the Open Graph protocol.
"""

import html
import json
from collections.abc import Sequence

from scraper.demo.products import Product, digit, make_product
from scraper.demo.words import CATEGORIES

__all__ = ["home_html", "product_html"]

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 60rem; color: #222; }
header, footer { padding: 1rem; background: #f4f1ea; } nav a { margin-right: 1rem; }
.product { display: grid; grid-template-columns: 20rem 1fr; gap: 2rem; padding: 1rem; }
.price { font-size: 1.5rem; color: #a33; } .specs th { text-align: left; padding-right: 2rem; }
.reviews article { border-top: 1px solid #ddd; } .related { display: flex; gap: 1rem; }
"""


def product_html(product: Product, neighbours: Sequence[Product], *, origin: str) -> bytes:
    """The page of a product, with links to its neighbours; encoded as the product says.

    Without a name it has neither heading nor title. Raises: nothing.
    """
    name = html.escape(product.name)
    title = f"<title>{name} | {product.host}</title>" if name else ""
    heading = f"<h1>{name}</h1>" if name else ""
    return _document(
        title + _meta(product, origin),
        f"""{_breadcrumb(product)}
<main class="product">
<figure class="photo"><img src="{product.image}" alt="{name}" width="400" height="400"></figure>
<div>
{heading}
<p class="sku" data-sku="{product.sku}">Art. {product.sku}</p>
<p class="price">{product.price}&nbsp;{product.language.currency}</p>
<form action="/cart" method="post"><button>{product.language.buy}</button></form>
{_paragraphs(product)}
{_specs(product)}
</div>
</main>
{_reviews(product)}
{_related(neighbours)}""",
        product=product,
    )


def home_html(products: list[Product]) -> bytes:
    """A shop's front page: all its products by category. Raises: nothing."""
    parts = []
    for category in CATEGORIES:
        rows = "".join(f"<li>{_link(p)}</li>\n" for p in products if p.category == category)
        parts.append(f'<h2 id="{category}">{category.title()}</h2>\n<ul>\n{rows}</ul>')
    shop = products[0].host
    head = f"<title>{shop}</title>"
    body = f"<h1>{shop}</h1>\n" + "\n".join(parts)
    return _document(head, body, product=make_product(shop, 0))


def _document(head: str, body: str, *, product: Product) -> bytes:
    encoding = product.encoding
    declared = {
        None: "",
        "charset": f'<meta charset="{encoding.label}">',
        "http-equiv": '<meta http-equiv="Content-Type" '
        f'content="text/html; charset={encoding.label}">',
    }[encoding.meta]
    links = " ".join(f'<a href="/#{name}">{name.title()}</a>' for name in CATEGORIES)
    text = f"""<!DOCTYPE html>
<html lang="{product.language.code}">
<head>
{declared}
<meta name="viewport" content="width=device-width, initial-scale=1">
{head}
<style>{_STYLE}</style>
</head>
<body>
<header><a href="/">{product.host}</a> <nav>{links}</nav></header>
{body}
<footer><p>A shop of the demo. Nothing here is for sale.</p> <a href="/">Home</a></footer>
</body>
</html>
"""
    return text.encode(encoding.codec, errors="xmlcharrefreplace")


def _meta(product: Product, origin: str) -> str:
    url = origin + product.path
    properties = {
        "og:type": "product",
        "og:title": product.name,
        "og:url": url,
        "og:image": origin + product.image,
        "og:description": product.description,
        "product:price:amount": product.price,
        "product:price:currency": product.language.currency,
    }
    lines = [
        f'<meta property="{key}" content="{html.escape(value)}">'
        for key, value in properties.items()
        if value
    ]
    return f"""
<meta name="description" content="{html.escape(product.description)}">
<link rel="canonical" href="{url}">
{chr(10).join(lines)}
<script type="application/ld+json">{_json_ld(product, origin)}</script>"""


def _json_ld(product: Product, origin: str) -> str:
    offer = {
        "@type": "Offer",
        "price": product.price,
        "priceCurrency": product.language.currency,
        "availability": "https://schema.org/InStock",
        "url": origin + product.path,
    }
    thing = {
        "@context": "https://schema.org",
        "@type": "Product",
        "name": product.name,
        "sku": product.sku,
        "category": product.category,
        "image": origin + product.image,
        "description": product.description,
        "offers": offer,
    }
    if not product.name:
        del thing["name"]
    return json.dumps(thing, ensure_ascii=False, indent=1).replace("</", "<\\/")


def _breadcrumb(product: Product) -> str:
    category = product.category
    return (
        f'<ol class="breadcrumb"><li><a href="/">{product.host}</a></li>'
        f'<li><a class="category" href="/#{category}">{category}</a></li></ol>'
    )


def _paragraphs(product: Product) -> str:
    sentences = product.language.sentences
    texts = (
        " ".join(product.pick(f"text {part}.{place}", sentences) for place in range(5))
        for part in range(3)
    )
    return "\n".join(f"<p>{text}</p>" for text in texts)


def _specs(product: Product) -> str:
    rows = "\n".join(
        f"<tr><th>{name}</th><td>{digit(product.sku, name) % 900 + 20} {unit}</td></tr>"
        for name, unit in product.language.measures
    )
    return f'<table class="specs">\n{rows}\n</table>'


def _reviews(product: Product) -> str:
    articles = "\n".join(
        f"<article><h3>{product.pick(f'author {place}', product.language.authors)}</h3>"
        f"<p>{product.pick(f'review {place}', product.language.sentences)}</p></article>"
        for place in range(digit(product.sku, "reviews") % 5 + 1)
    )
    return f'<section class="reviews">\n{articles}\n</section>'


def _related(neighbours: Sequence[Product]) -> str:
    links = "\n".join(f"<li>{_link(product)}</li>" for product in neighbours)
    return f'<ul class="related">\n{links}\n</ul>'


def _link(product: Product) -> str:
    return f'<a href="{product.path}">{html.escape(product.name)}</a>'
