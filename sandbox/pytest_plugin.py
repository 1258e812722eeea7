"""pytest plugin: story files are test items; ``sandbox`` and ``mock_llm`` are fixtures.

- ``pytest scenarios`` runs every ``*.story.yaml`` (``--sandbox-clock``, ``--sandbox-as-of``).
- ``sandbox``: a running, empty sandbox (:class:`sandbox.stories.handle.SandboxHandle`); on the virtual clock unless
  ``@pytest.mark.sandbox(clock="real", as_of="2024-05-01")`` says otherwise. It runs in its own process and watches
  the test's, so boto3 and httpx in a test live on its time.
- ``mock_llm``: the mock model (:class:`sandbox.stories.handle.MockModel`): that of the test's sandbox if it has one,
  else alone in a process of its own, on the real clock.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from sandbox.stories.handle import MockModel, Sandboxes, SandboxHandle
    from sandbox.stories.model import Story
    from sandbox.stories.results import StoryResult

SUFFIX = ".story.yaml"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options for story files."""
    group = parser.getgroup("sandbox")
    group.addoption(
        "--sandbox-clock",
        type=_clock,
        metavar="virtual|real|scaled:N",
        default="virtual",
        help="clock of story files",
    )
    group.addoption(
        "--sandbox-backend",
        metavar="moto|localstack=URL",
        default="moto",
        help="backend of the `sandbox` fixture, unless the `sandbox_backend` fixture is overridden",
    )
    group.addoption("--sandbox-as-of", metavar="DATE", help="play AWS's rules of that day in story files")


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line("markers", "sandbox(clock, as_of): how the `sandbox` fixture is started")


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> StoryFile | None:
    """Story files hold tests."""
    if file_path.name.endswith(SUFFIX):
        return StoryFile.from_parent(parent, path=file_path)
    return None


class StoryFile(pytest.File):
    """A file of stories."""

    def collect(self) -> Iterable[StoryItem]:
        """Its stories, by id."""
        from sandbox.stories.loading import StoryError, load_stories

        try:
            stories = load_stories(self.path)
        except StoryError as error:
            raise self.CollectError(str(error)) from None
        return [StoryItem.from_parent(self, name=story.id, story=story) for story in stories]


class StoryFailedError(Exception):
    """A story did not show what it expects."""

    def __init__(self, result: StoryResult) -> None:
        super().__init__(f"{result.story.id} is not as expected")
        self.result = result


class StoryItem(pytest.Item):
    """A story as a test."""

    def __init__(self, *, story: Story, **rest: Any) -> None:
        super().__init__(**rest)
        self.story = story

    def runtest(self) -> None:
        """Play the story."""
        from sandbox.stories.runner import run_story

        as_of = _day(self.config.getoption("--sandbox-as-of"), "--sandbox-as-of")
        result = run_story(self.story, self.config.getoption("--sandbox-clock"), as_of)
        if not result.passed:
            raise StoryFailedError(result)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """What did not hold, with the timeline around it."""
        from sandbox.stories.report import failure_text

        if isinstance(excinfo.value, StoryFailedError):
            return failure_text(excinfo.value.result)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int, str]:
        """Where the story stands."""
        return self.path, self.story.line - 1, f"{self.story.pattern}/{self.story.id}"


def _day(value: Any, where: str) -> date | None:
    if value is None or isinstance(value, date):
        return value
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError):
        raise pytest.UsageError(f"{where} takes a date such as 2024-05-01, not {value!r}") from None


def _clock(text: str) -> str:
    """Raises ``ValueError``, which argparse tells."""
    from sandbox.clock import scale_of

    scale_of(text)
    return text


def _is_clock(value: Any) -> bool:
    try:
        return bool(_clock(str(value)))
    except ValueError:
        return False


def _marker(request: pytest.FixtureRequest) -> tuple[Any, date | None]:
    marker = request.node.get_closest_marker("sandbox")
    given = dict(marker.kwargs) if marker is not None else {}
    clock, as_of = given.pop("clock", "virtual"), _day(given.pop("as_of", None), "as_of")
    if given or (marker is not None and marker.args) or not _is_clock(clock):
        raise pytest.UsageError('write @pytest.mark.sandbox(clock="virtual" or "real", as_of="2024-05-01")')
    return clock, as_of


@pytest.fixture(scope="session")
def _sandboxes() -> Iterator[Sandboxes]:
    from sandbox.stories.handle import Sandboxes

    running = Sandboxes()
    yield running
    running.stop()


@pytest.fixture(scope="session")
def sandbox_backend(request: pytest.FixtureRequest) -> str:
    """What the `sandbox` fixture's ``--backend`` is: override it to give the address of a container of yours."""
    return str(request.config.getoption("--sandbox-backend"))


@pytest.fixture
def sandbox(request: pytest.FixtureRequest, _sandboxes: Sandboxes, sandbox_backend: str) -> SandboxHandle:
    """A running sandbox that holds nothing."""
    from sandbox.stories.handle import StartError

    try:
        return _sandboxes.get(*_marker(request), sandbox_backend)
    except StartError as error:
        pytest.fail(str(error), pytrace=False)


@pytest.fixture
def mock_llm(request: pytest.FixtureRequest) -> Iterator[MockModel]:
    """The mock model: of the test's sandbox, or alone."""
    from sandbox.stories.handle import Background, MockModel, StartError

    if "sandbox" in request.fixturenames:
        yield request.getfixturevalue("sandbox").model
        return
    try:
        alone = Background(["mock_llm", "--port", "0"])
    except StartError as error:
        pytest.fail(str(error), pytrace=False)
    yield MockModel(f"{alone.url}/v1", f"{alone.url}/_mock/configure")
    alone.stop()
