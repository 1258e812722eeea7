"""What a Dockerfile says, and where it says what cannot be followed."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox.control.ecs import BuildContext
from sandbox.services.ecs.dockerfile import Copy, DockerfileError, Recipe, recipe
from sandbox.services.ecs.images import Image, ImageError, Images
from sandbox.services.ecs.variables import located


def read(text: str) -> Recipe:
    return recipe(text, "Dockerfile")


def test_a_usual_one() -> None:
    made = read(
        """# syntax=docker/dockerfile:1
ARG VERSION=3.12
FROM --platform=linux/amd64 public.ecr.aws/docker/library/python:${VERSION}-slim AS app
WORKDIR /app
ENV A=1 B="two words" \\
    # a comment in between
    C=$A
ENV OLD form of it
COPY --chown=app:app requirements.txt ./
COPY ["a file.txt", "/data/"]
COPY . .
EXPOSE 8080
USER app
STOPSIGNAL SIGQUIT
ENTRYPOINT ["gunicorn"]
CMD ["app:app", "--bind", "0.0.0.0:8080"]
"""
    )
    assert made.base == "public.ecr.aws/docker/library/python:3.12-slim"
    assert made.environment == {"A": "1", "B": "two words", "C": "", "OLD": "form of it"}
    assert made.workdir == "/app"
    copies = [(step.sources, step.target) for step in made.steps if isinstance(step, Copy)]
    assert copies == [(["requirements.txt"], "/app/"), (["a file.txt"], "/data/"), (["."], "/app/")]
    assert (made.entrypoint, made.command) == (["gunicorn"], ["app:app", "--bind", "0.0.0.0:8080"])
    assert made.stop_signal == "SIGQUIT"


def test_the_shell_form_and_shell() -> None:
    assert read("FROM alpine\nCMD echo $HOME").command == ["/bin/sh", "-c", "echo $HOME"]
    assert read('FROM alpine\nSHELL ["/bin/bash", "-c"]\nCMD x').command == ["/bin/bash", "-c", "x"]


def test_the_last_stage_counts_and_may_begin_with_an_earlier_one() -> None:
    made = read("FROM python:3 AS base\nENV A=1\nFROM node\nFROM base\nENV B=2\nCMD x")
    assert (made.base, made.environment) == ("python:3", {"A": "1", "B": "2"})


def test_an_entrypoint_takes_the_command_before_it_away() -> None:
    assert read('FROM alpine\nCMD ["a"]\nENTRYPOINT ["b"]').command == []


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("FROM python\n\nCOPYY a b", 3, "COPYY is no instruction"),
        ("FROM python\nCOPY --from=build /x /y", 2, "--from is not emulated"),
        ("FROM python\nRUN a \\\n  && b\nADD https://x.example/y /z", 4, "only files of the build context"),
        ("FROM python\nONBUILD RUN x", 2, "ONBUILD"),
        ("FROM python\nRUN <<EOF\nx\nEOF", 2, "here-documents"),
        ("COPY a b", 1, "COPY before FROM"),
        ("", 1, "there is no FROM"),
        ("FROM python\nCOPY only", 2, "what to copy, and where to"),
        ('FROM python\nENV A="open', 2, "No closing quotation"),
    ],
)
def test_what_cannot_be_followed_is_told_with_its_line(text: str, line: int, words: str) -> None:
    with pytest.raises(DockerfileError, match=words) as told:
        read(text)
    assert str(told.value).startswith(f"Dockerfile:{line}: ")


# -- following it


def image(folder: Path, dockerfile: str, **files: str) -> Image:
    context = folder / "context"
    context.mkdir()
    (context / "Dockerfile").write_text(dockerfile)
    for name, text in files.items():
        path = context / name.replace("__", "/").replace("_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    labels = {"sandbox.context": str(context)}
    return Images(folder / "images", {}).get({"image": "own", "dockerLabels": labels})


def test_files_lie_where_they_were_copied_to(tmp_path: Path) -> None:
    made = image(
        tmp_path, "FROM python\nWORKDIR /app\nCOPY src/ .\nCOPY *.txt /data/\nCOPY a.txt /one\nCMD x",
        src__main_py="1", a_txt="a", b_txt="b",
    )  # fmt: skip
    assert made.root is not None
    found = sorted(p.relative_to(made.root).as_posix() for p in made.root.rglob("*") if p.is_file())
    assert found == ["app/main.py", "data/a.txt", "data/b.txt", "one"]
    assert made.workdir == "/app"


@pytest.mark.parametrize(
    ("dockerfile", "words"),
    [
        ("FROM golang:1\nCMD x", "Dockerfile:1: the base image golang:1 is not emulated; there is alpine"),
        ("FROM python\nCOPY gone .", "Dockerfile:2: gone is not in the build context"),
        ("FROM python\nCOPY ../x .", "Dockerfile:2: ../x is not in the build context"),
        (
            "FROM python\nRUN pip install flask no-such-package-here",
            "Dockerfile:2: .*no-such-package-here is not installed",
        ),
        ("FROM python\nRUN pip install -r gone.txt", "Dockerfile:2: gone.txt is not in the image"),
        ("FROM python\nRUN make all", "Dockerfile:2: RUN is not carried out, and 'make all'"),
        (
            "FROM node\nCOPY . .\nRUN npm ci --omit=dev",
            "Dockerfile:3: .*run `npm install` beside package.json",
        ),
    ],
)
def test_what_is_missing_is_told(tmp_path: Path, dockerfile: str, words: str) -> None:
    with pytest.raises(ImageError, match=words):
        image(tmp_path, dockerfile, package_json="{}")


def test_what_pip_would_install_and_is_installed_is_enough(tmp_path: Path) -> None:
    run = "RUN apt-get update && pip install --no-cache-dir -i https://x.example -r requirements.txt 'gunicorn>=20'"
    dockerfile = f"FROM python:3.12\nCOPY *.txt ./\n{run}\nCMD x"
    files = {"requirements_txt": "flask>=3 # the web\n-r more.txt\n", "more_txt": "httpx[http2]\n"}
    assert image(tmp_path, dockerfile, **files).command == ("/bin/sh", "-c", "x")


def test_an_image_that_nobody_made_is_told(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"there is no image other/thing:1\. Deploy a template"):
        Images(tmp_path, {}).get({"image": "other/thing:1"})


def test_base_images_stand_for_this_machines_programs(tmp_path: Path) -> None:
    images = Images(tmp_path, {})
    for name in ("python:3.12-slim", "public.ecr.aws/docker/library/python@sha256:00", "node:24", "alpine"):
        assert images.get({"image": name}).root is None


def test_a_pushed_context_is_made_once(tmp_path: Path) -> None:
    from sandbox.control.cloudformation.zips import zip_texts

    packed = zip_texts({"Dockerfile": "FROM python\nCOPY . /app\nCMD x", "a.py": "1"})
    images = Images(tmp_path, {"chat:1": BuildContext(packed, "Dockerfile", "T/Dockerfile")})
    made = images.get({"image": "chat:1"})
    assert made is images.get({"image": "chat:1"})
    assert made.root is not None
    assert (made.root / "app/a.py").read_text() == "1"


def test_paths_of_the_image_become_this_machines(tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    assert located("/app", tmp_path) == str(tmp_path / "app")
    assert located("--chdir=/app", tmp_path) == f"--chdir={tmp_path / 'app'}"
    assert located("/app:/gone", tmp_path) == f"{tmp_path / 'app'}:/gone"
    assert located("0.0.0.0:8080", tmp_path) == "0.0.0.0:8080"
    assert located("/", tmp_path) == "/"
