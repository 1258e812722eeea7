"""Skipping a module where no engine answers or an image is missing: one skip, with the reason, for all its tests."""

from __future__ import annotations

import pytest

from sandbox.testing.fixtures import why_no_engine
from tests.docker.images import OURS
from tests.docker.stand_in.build import IMAGE as LOCALSTACK
from tests.docker.stand_in.build import has_image


def skip_without_images(*names: str) -> None:
    """To be called while the module is imported. Default: our image and LocalStack's."""
    reason = why_no_engine()
    if reason is None:
        missing = [f"no image {name}" for name in names or (OURS, LOCALSTACK) if not has_image(name)]
        reason = f"{', '.join(missing)}: make test-docker" if missing else None
    if reason is not None:
        pytest.skip(reason, allow_module_level=True)
    from testcontainers.core.config import testcontainers_config

    if not has_image(testcontainers_config.ryuk_image):  # it only tidies up after a test run that was killed
        testcontainers_config.ryuk_disabled = True
