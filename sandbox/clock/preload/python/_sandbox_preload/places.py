# mypy: ignore-errors
"""Programs that are started by a path of Lambda's image, such as a layer's ``/opt/awscli/aws``."""

import os

from _sandbox_preload import hooks


def start(text):
    """``text``: JSON of the folders that a path begins with, and where they are: ``{"/opt/": "/tmp/x/"}``."""

    def patch(module):
        import json

        places = Places(json.loads(text))
        real = module.Popen.__init__

        def popen(self, args, bufsize=-1, executable=None, *more, **options):
            if not (options.get("shell") or (len(more) > 5 and more[5])):
                args, executable = places.command(args, executable)
            real(self, args, bufsize, executable, *more, **options)

        module.Popen.__init__ = popen

    hooks.after_import("subprocess", patch)


class Places:
    """Where the folders of the image are on this machine."""

    def __init__(self, folders):
        self._folders = folders

    def real(self, path):
        """A path of the image as it is here; another one unchanged, as is one that this machine has itself."""
        for prefix, folder in self._folders.items():
            if path.startswith(prefix) and not os.path.exists(path):
                found = folder + path[len(prefix) :]
                return found if os.path.exists(found) else path
        return path

    def command(self, args, executable):
        """The arguments and the program, as ``Popen`` takes them."""
        listed = [args] if isinstance(args, (str, bytes, os.PathLike)) else list(args)
        named = executable if executable is not None else (listed[0] if listed else None)
        if named is None:
            return args, executable
        asked = os.fsdecode(named)
        program = self.real(asked)
        interpreter = self._interpreter(program) if program != asked else None
        if interpreter is not None:
            return [*interpreter, program, *listed[1:]], None
        return (args, executable) if program == asked else (listed, program)

    def _interpreter(self, program):
        """What a script's first line asks for, when that is one of the image's; ``None`` when the kernel finds it."""
        with open(program, "rb") as file:
            line = file.readline(256)
        if not line.startswith(b"#!"):
            return None
        words = os.fsdecode(line[2:].strip()).split(None, 1)
        real = self.real(words[0]) if words else ""
        return [real, *words[1:]] if words and real != words[0] else None
