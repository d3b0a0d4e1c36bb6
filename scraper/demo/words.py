"""The words of the demo shops: categories with what is in them, and five languages.

Each language keeps to the characters of its legacy encoding.

Source: none; the shops are made up.
"""
# ruff: noqa: RUF001 - Cyrillic letters and full-width commas are meant here.

from dataclasses import dataclass

__all__ = [
    "CATEGORIES",
    "CHINESE",
    "ENGLISH",
    "FRENCH",
    "JAPANESE",
    "RUSSIAN",
    "Language",
]

CATEGORIES = {
    "kitchen": ("Cast-iron Pan", "Bread Knife", "Pepper Mill", "Mixing Bowl", "Chopping Board"),
    "tea": ("Teapot", "Tea Strainer", "Kettle", "Milk Jug", "Sugar Bowl"),
    "garden": ("Watering Can", "Hand Fork", "Seed Tray", "Bird House", "Garden Twine"),
    "books": ("Atlas", "Field Guide", "Cookery Book", "Song Book", "Almanac"),
    "lighting": ("Desk Lamp", "Lantern", "Candle Holder", "Floor Lamp", "Night Light"),
    "stationery": ("Fountain Pen", "Note Book", "Letter Opener", "Ink Well", "Paper Knife"),
    "toys": ("Spinning Top", "Wooden Train", "Kite", "Building Blocks", "Puppet"),
    "bath": ("Soap Dish", "Bath Brush", "Towel Rail", "Sponge", "Shaving Mirror"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Language:
    """The words of a shop's pages. No `nouns`: those of the category."""

    code: str
    currency: str
    buy: str
    adjectives: tuple[str, ...]
    nouns: tuple[str, ...] = ()
    sentences: tuple[str, ...]
    authors: tuple[str, ...]
    measures: tuple[tuple[str, str], ...]


ENGLISH = Language(
    code="en",
    currency="EUR",
    buy="Add to basket",
    adjectives=("Plain", "Old Town", "Salt & Pepper", "Blue", "Travelling", '"Nonna"', "Grey Oak"),
    sentences=(
        "Made in small numbers by people who use it themselves every day.",
        "It is heavier than it looks, and it is meant to be: it stays where it is put.",
        "The finish darkens with the years & is the better for it.",
        "Wash it by hand, dry it at once, and it will outlive its owner.",
        "Spare parts are kept for ten years and cost less than the postage.",
        "We asked forty customers what was wrong with the last one, and changed just that.",
        "The box can be folded flat and sent back to us, free of charge.",
        "Not suitable for the dishwasher, whatever your brother-in-law says.",
        "Every piece is numbered, weighed and looked at twice before it leaves the house.",
        "A present that needs no explanation and very little wrapping paper.",
    ),
    authors=("Ada", "Bruno", "Chiara", "Dmitri", "Edith", "Farid", "Greta"),
    measures=(("Width", "mm"), ("Height", "mm"), ("Depth", "mm"), ("Weight", "g")),
)
RUSSIAN = Language(
    code="ru",
    currency="RUB",
    buy="В корзину",
    adjectives=("Синий", "Старый", "Дорожный"),
    nouns=("чайник", "самовар", "кувшин"),
    sentences=(
        "Сделано вручную теми, кто пользуется этим каждый день.",
        "С годами становится только лучше, если мыть без щётки.",
        "Запасные части мы храним десять лет.",
    ),
    authors=("Анна", "Борис", "Вера"),
    measures=(("Ширина", "мм"), ("Высота", "мм"), ("Вес", "г")),
)
JAPANESE = Language(
    code="ja",
    currency="JPY",
    buy="カートに入れる",
    adjectives=("青い", "古い", "小さな"),
    nouns=("急須", "茶碗", "茶筒"),
    sentences=(
        "毎日使う人たちが、ひとつずつ手で作っています。",
        "年月とともに色が深くなり、味わいが増します。",
        "交換部品は十年間保管しています。",
    ),
    authors=("花子", "太郎", "次郎"),
    measures=(("幅", "mm"), ("高さ", "mm"), ("重さ", "g")),
)
CHINESE = Language(
    code="zh-CN",
    currency="CNY",
    buy="加入购物车",
    adjectives=("蓝色", "古典", "旅行"),
    nouns=("茶壶", "茶杯", "水壶"),
    sentences=(
        "由每天使用它的人手工制作。",
        "时间越久，颜色越深，也越好看。",
        "零件保留十年，价格低于邮费。",
    ),
    authors=("小明", "小红", "小李"),
    measures=(("宽度", "毫米"), ("高度", "毫米"), ("重量", "克")),
)
FRENCH = Language(
    code="fr",
    currency="EUR",
    buy="Ajouter au panier",
    adjectives=("Théière", "Cafetière", "Carafe"),
    nouns=("émaillée", "à fleurs", "d'été"),
    sentences=(
        "Fabriquée à la main par ceux qui s'en servent chaque matin.",
        "Le décor se patine avec les années, et c'est très bien ainsi.",
        "Les pièces détachées sont gardées dix ans, à prix réduit.",
    ),
    authors=("Agnès", "Benoît", "Chloé"),
    measures=(("Largeur", "mm"), ("Hauteur", "mm"), ("Poids", "g")),
)
