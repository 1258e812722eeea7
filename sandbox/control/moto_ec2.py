"""What moto's EC2 reads and makes beforehand, and few ask for: every Region's instance types, 1,300 images.

Reading the first takes a second at the import, making the second a third of a second for each sandbox. Both wait
until something looks at them.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_OFFERINGS = "instance_type_offerings"
_TYPES = "moto.ec2.models.instance_types"
_AFTER_IMAGES = ("amis", "snapshots", "volumes")  # what making the images fills
_WANTED = "_images_wanted"


class _Offerings(dict[str, Any]):
    """Which instance types a Region has: by Region, each read when it is first looked up."""

    def __init__(self, kind: str, files: dict[str, str]) -> None:
        super().__init__()
        self._kind = kind
        self._files = files

    def __missing__(self, region: str) -> Any:
        from moto.utilities.utils import load_resource

        found: list[dict[str, Any]] = load_resource(self._files[region])
        self[region] = [{**one, "LocationType": self._kind} for one in found]
        return self[region]

    def get(self, region: str, default: Any = None) -> Any:
        """As for any mapping."""
        return self[region] if region in self._files else default


@contextmanager
def adopted() -> Iterator[None]:
    """Import moto's services inside: EC2's, which comes along with many others, is then as described above."""
    import boto3
    from moto.utilities import utils

    from sandbox.control import moto_models

    if _TYPES in sys.modules:
        _wait_with_images()
        yield
        return
    load: Any = utils.load_resource
    boto: Any = boto3
    make_session = boto.Session
    files: dict[tuple[str, str], str] = {}

    def without_offerings(resource: str) -> Any:
        _, _, rest = resource.partition(f"{_OFFERINGS}/")
        if not rest:
            return load(resource)
        kind, _, file = rest.partition("/")
        files[kind, file.split(".")[0]] = resource
        return []

    utils.load_resource = without_offerings
    # Three are made, for lists of Regions; each read all of EC2's model.
    boto.Session = moto_models.new_session
    try:
        yield
    finally:
        utils.load_resource = load
        boto.Session = make_session
    if _TYPES in sys.modules:
        _wait_with_offerings(sys.modules[_TYPES], files)
        _wait_with_images()


def _wait_with_offerings(types: Any, files: dict[tuple[str, str], str]) -> None:
    for kind in types.INSTANCE_TYPE_OFFERINGS:
        of_kind = {region: file for (one, region), file in files.items() if one == kind}
        types.INSTANCE_TYPE_OFFERINGS[kind] = _Offerings(kind, of_kind)


def _wait_with_images() -> None:
    from moto.ec2.models import EC2Backend

    if "_load_amis" in vars(EC2Backend):  # ours already
        return
    make: Any = EC2Backend._load_amis

    def want(backend: Any) -> None:
        backend.__dict__[_WANTED] = True

    def made_before(name: str) -> property:
        def read(backend: Any) -> Any:
            if backend.__dict__.pop(_WANTED, False):
                make(backend)
            return backend.__dict__[name]

        def write(backend: Any, value: Any) -> None:
            backend.__dict__[name] = value

        return property(read, write)

    setattr(EC2Backend, "_load_amis", want)  # noqa: B010 - a class that is not ours
    for name in _AFTER_IMAGES:
        setattr(EC2Backend, name, made_before(name))
