"""Regular expressions of conditions and transforms: what AWS takes. The words of the refusals are UNSOURCED.

Source: Elastic Load Balancing developer guide, rule-transforms: no look-around, back-references, atomic groups,
possessive quantifiers, subroutines, recursion or Unicode classes; botocore, elbv2 (lengths).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from sandbox.control.elbv2 import Document
from sandbox.control.shims.elbv2.state import invalid

_NOT_SUPPORTED = re.compile(r"\(\?(?!:|[a-z]+\)|P?<[A-Za-z_])|\\[1-9]|\\k|\\[pP]\{|[*+?}]\+")
_CONFIGS = {"host-header-rewrite": "HostHeaderRewriteConfig", "url-rewrite": "UrlRewriteConfig"}
CONDITION, REWRITE = 128, 1024  # characters


def check(pattern: str, longest: int) -> None:
    """Raises ``AwsError`` for one that AWS does not take."""
    if not pattern or len(pattern) > longest:
        raise invalid(f"A regular expression must have 1 to {longest} characters")
    plain = re.sub(r"\\\\", "", pattern)
    if _NOT_SUPPORTED.search(plain):
        raise invalid(f"The regular expression '{pattern}' uses a feature that is not supported")
    try:
        re.compile(pattern)
    except re.error as error:
        raise invalid(f"The regular expression '{pattern}' is not valid: {error}") from error


def checked_transforms(given: Iterable[Mapping[str, Any]]) -> list[Document]:
    """The transforms of a rule as they are kept. Raises ``AwsError``."""
    transforms = [dict(one) for one in given]
    for transform in transforms:
        name = _CONFIGS[transform["Type"]]  # of the two that the model has
        rewrites = (transform.get(name) or {}).get("Rewrites")
        if not rewrites:
            raise invalid(f"{name} must have a rewrite for a transform of type '{transform['Type']}'")
        for rewrite in rewrites:
            check(rewrite.get("Regex", ""), REWRITE)
            if len(rewrite.get("Replace", "")) > REWRITE:
                raise invalid(f"A replacement can have at most {REWRITE} characters")
    if len({one["Type"] for one in transforms}) < len(transforms):
        raise invalid("A rule can have one transform of each type")
    return transforms
