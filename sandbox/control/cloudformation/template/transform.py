"""Transforms: ``AWS::Serverless-2016-10-31`` by AWS's own translator, ``AWS::LanguageExtensions`` by a switch.

The translator wants a region, a partition and ARNs of managed policies; it gets them here, without a network.
"""

from __future__ import annotations

import asyncio
import copy
import functools
import json
from collections.abc import Mapping
from typing import Any

import boto3

from sandbox.aws.session import bare_session
from sandbox.control.cloudformation.errors import ValidationError

SERVERLESS = "AWS::Serverless-2016-10-31"
LANGUAGE_EXTENSIONS = "AWS::LanguageExtensions"
_KNOWN = {SERVERLESS, LANGUAGE_EXTENSIONS}
_KEPT = 32  # templates
_translated: dict[str, str] = {}


def declared_transforms(template: Mapping[str, Any]) -> tuple[str, ...]:
    """The names under ``Transform``, in order. Raises :class:`ValidationError` for one that is not emulated."""
    found = template.get("Transform", [])
    names = tuple(found) if isinstance(found, list) else (found,)
    for name in names:
        if not isinstance(name, str) or name not in _KNOWN:
            shown = name if isinstance(name, str) else json.dumps(name)
            raise ValidationError(f"No transform named {shown} found.", ("Transform",))
    return names


async def apply_transforms(
    template: Mapping[str, Any], parameters: Mapping[str, Any], region: str, account: str
) -> dict[str, Any]:
    """The processed template. Raises :class:`ValidationError` with the translator's words."""
    names = declared_transforms(template)
    processed = copy.deepcopy(dict(template))
    if SERVERLESS in names:
        if LANGUAGE_EXTENSIONS not in names:
            processed.pop("Transform")
        return await asyncio.to_thread(_serverless, processed, dict(parameters), region, account)
    processed.pop("Transform", None)
    return processed


def _serverless(
    template: dict[str, Any], parameters: dict[str, Any], region: str, account: str
) -> dict[str, Any]:
    """The translator's answer, kept: a pattern's stories deploy one template again and again (35 ms each time)."""
    key = repr((template, parameters, region, account))
    if key not in _translated:
        while len(_translated) >= _KEPT:
            del _translated[next(iter(_translated))]
        _translated[key] = json.dumps(_translate(template, parameters, region, account))
    result: dict[str, Any] = json.loads(_translated[key])
    return result


def _translate(
    template: dict[str, Any], parameters: dict[str, Any], region: str, account: str
) -> dict[str, Any]:
    from samtranslator.metrics.metrics import DummyMetricsPublisher, Metrics
    from samtranslator.model.exceptions import InvalidDocumentException
    from samtranslator.parser.parser import Parser
    from samtranslator.translator.translator import Translator
    from samtranslator.utils.py27hash_fix import (
        to_py27_compatible_template,
        undo_mark_unicode_str_in_template,
    )

    template["Transform"] = SERVERLESS
    values = {**parameters, "AWS::AccountId": account, "AWS::Region": region}
    to_py27_compatible_template(template, values)
    metrics = Metrics("ServerlessTransform", DummyMetricsPublisher())
    translator = Translator(None, Parser(), boto_session=_session(region), metrics=metrics)
    try:
        done = translator.translate(template, values, get_managed_policy_map=_managed_policies)
        metrics.publish()
    except InvalidDocumentException as e:
        causes = " ".join(
            f"{cause.message}." if not cause.message.endswith(".") else cause.message for cause in e.causes
        )
        raise ValidationError(
            f"Transform {SERVERLESS} failed with: Invalid Serverless Application Specification document. "
            f"Number of errors found: {len(e.causes)}. {causes}".strip(),
            _path_of(e),
        ) from e
    result: dict[str, Any] = undo_mark_unicode_str_in_template(done)
    result.pop("Transform", None)
    return result


def _path_of(error: Any) -> tuple[str, ...]:
    for cause in error.causes:
        if name := getattr(cause, "_logical_id", None):
            return ("Resources", str(name))
    return ()


@functools.lru_cache(maxsize=4)
def _session(region: str) -> boto3.Session:
    return boto3.Session(
        region_name=region,
        aws_access_key_id="unused",
        aws_secret_access_key="unused",
        botocore_session=bare_session(),
    )


@functools.cache
def _managed_policies() -> dict[str, str]:
    from samtranslator.internal.managed_policies import get_bundled_managed_policy_map

    found: Mapping[str, str] = get_bundled_managed_policy_map("aws")
    return dict(found)
