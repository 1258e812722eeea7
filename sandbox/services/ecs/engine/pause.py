"""The image that holds a task's network while its containers come and go, as ECS itself has one.

It contains one program, which waits without end: two or three instructions in an ELF file, since no engine can be
relied on to have an image at hand.
"""

from __future__ import annotations

import io
import struct
import tarfile
from typing import Any

from docker.errors import ImageNotFound

from sandbox.services.ecs.engine.client import EngineError
from sandbox.services.ecs.engine.owner import LABEL

IMAGE = f"{LABEL}-pause:1"
_HEADERS = 64 + 56  # bytes of the ELF header and of one program header
_BASE = 0x400000
# Architecture as the engine names it: its number in ELF, and the code.
_PROGRAMS = {
    # mov eax, 34 (pause); syscall; jmp to the first
    "amd64": (62, bytes.fromhex("b822000000 0f05 ebf7")),
    # mov x8, 73 (ppoll); mov x0..x4, 0; svc 0; b to the first
    "arm64": (
        183,
        struct.pack(
            "<8I", 0xD2800928, 0xD2800000, 0xD2800001, 0xD2800002, 0xD2800003, 0xD2800004, 0xD4000001, 0x17FFFFF9
        ),
    ),
}  # fmt: skip


def program(architecture: str) -> bytes:
    """The program as a file (ELF-64, System V ABI). Raises :class:`EngineError` for another architecture."""
    if architecture not in _PROGRAMS:
        raise EngineError(f"tasks on Docker: an engine on {architecture}; there is {', '.join(_PROGRAMS)}")
    machine, code = _PROGRAMS[architecture]
    size = _HEADERS + len(code)
    identity = b"\x7fELF" + bytes((2, 1, 1)) + bytes(9)
    header = identity + struct.pack(
        "<HHIQQQIHHHHHH", 2, machine, 1, _BASE + _HEADERS, 64, 0, 0, 64, 56, 1, 64, 0, 0
    )
    segment = struct.pack("<IIQQQQQQ", 1, 5, 0, _BASE, _BASE, size, size, 0x1000)
    return header + segment + code


def make(api: Any) -> None:
    """Make the image unless there is one."""
    try:
        api.inspect_image(IMAGE)
    except ImageNotFound:
        data, packed = program(api.version()["Arch"]), io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w") as archive:
            info = tarfile.TarInfo("pause")
            info.mode, info.size = 0o755, len(data)
            archive.addfile(info, io.BytesIO(data))
        name, _, tag = IMAGE.partition(":")
        api.import_image_from_data(
            packed.getvalue(), repository=name, tag=tag, changes=['ENTRYPOINT ["/pause"]']
        )
