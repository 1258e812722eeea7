"""Transforms of a rule: another path, query or host for the target.

Source: Elastic Load Balancing developer guide, rule-transforms: no match leaves a request as it is, a match whose
result is no URL or host is a 500; botocore, elbv2, RuleTransform. UNSOURCED: that what is matched is replaced, once.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from sandbox.control.elbv2 import Document
from sandbox.services.alb.call import Call
from sandbox.services.alb.errors import of_limit
from sandbox.services.alb.rules import regular

_GROUP = re.compile(r"\$(\d)")
_HOST = re.compile(r"[A-Za-z0-9.:-]{1,255}")
_URL = re.compile(r"/[\x21-\x7e]*")


def apply(call: Call, transforms: Sequence[Document]) -> None:
    """Rewrite what the target gets. Raises ``AlbError``."""
    for transform in transforms:
        if transform["Type"] == "url-rewrite":
            url = call.target.decode("latin-1")
            made = _rewritten(url, transform["UrlRewriteConfig"]["Rewrites"])
            if made is not None:
                if not _URL.fullmatch(made):
                    raise of_limit(call.sandbox.limits, "transform", f"the rewritten URL {made!r} is none")
                call.rewritten = made.encode("latin-1")
        else:
            made = _rewritten(call.request.host, transform["HostHeaderRewriteConfig"]["Rewrites"])
            if made is not None:
                if not _HOST.fullmatch(made):
                    raise of_limit(call.sandbox.limits, "transform", f"the rewritten host {made!r} is none")
                call.rewritten_host = made.encode()


def _rewritten(text: str, rewrites: Sequence[Document]) -> str | None:
    """The text with the first pattern that matches replaced; ``None``: none does."""
    for rewrite in rewrites:
        found = regular(rewrite["Regex"]).search(text)
        if found is not None:
            put = _filled(rewrite["Replace"], (found[0], *found.groups(default="")))
            return text[: found.start()] + put + text[found.end() :]
    return None


def _filled(text: str, groups: Sequence[str]) -> str:
    """``$1`` is the first group; one that the pattern does not have is empty."""
    return _GROUP.sub(lambda found: groups[int(found[1])] if int(found[1]) < len(groups) else "", text)
