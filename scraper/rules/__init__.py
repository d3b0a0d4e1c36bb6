"""Site rules as data: which pages, which item, which fields, and where each value stands.

A rule is declared in a crawl file (`[[sites]]`) and checked when the file is read. Applying a
rule to a page is `scraper.extract.apply`.
"""

from scraper.rules.choice import RuleChoice, rule_choice, rule_for
from scraper.rules.clean import CleanStep, CleanTable
from scraper.rules.crawl import GENERIC_FIELDS, check_extractors, check_fields, check_rules
from scraper.rules.extractor import load_extractor
from scraper.rules.field import Fallback, FieldRule, FieldType
from scraper.rules.site import RESERVED_FIELDS, Declared, SiteRule
from scraper.rules.source import Source, SourceKind

__all__ = [
    "GENERIC_FIELDS",
    "RESERVED_FIELDS",
    "CleanStep",
    "CleanTable",
    "Declared",
    "Fallback",
    "FieldRule",
    "FieldType",
    "RuleChoice",
    "SiteRule",
    "Source",
    "SourceKind",
    "check_extractors",
    "check_fields",
    "check_rules",
    "load_extractor",
    "rule_choice",
    "rule_for",
]
