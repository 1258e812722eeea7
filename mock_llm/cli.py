"""``mock-llm``: the mock model alone, on the real clock."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from mock_llm.pace import Profile
from mock_llm.profiles import ProfileError, describe, load_profiles
from mock_llm.quota import read_quota
from mock_llm.recording import RecordingError
from mock_llm.settings import Settings

COMMANDS = ("serve", "profiles", "replay", "record", "import")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; without one, ``serve``. Exit code 2 when an option cannot be."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if not given or given[0] not in (*COMMANDS, "-h", "--help"):
        given = ["serve", *given]
    options = _parser().parse_args(given)
    try:
        return int(options.run(options))
    except (ProfileError, RecordingError) as error:
        print(f"mock-llm: {error}", file=sys.stderr)
        return 2


def serve(options: argparse.Namespace) -> int:
    """Answer until interrupted."""
    return _listen(options, _settings(options))


def replay(options: argparse.Namespace) -> int:
    """Answer with recordings: each API with the file of its own, in turn when there are several."""
    from mock_llm.recording import load_recording
    from mock_llm.rules import Rule, RuleBook, When

    found = [(path, load_recording(path)) for path in options.recordings]
    rules = []
    for number, (path, recording) in enumerate(found):
        later = any(
            r.api == recording.api and r.streamed == recording.streamed for _, r in found[number + 1 :]
        )
        when = When(api=recording.api, stream=recording.streamed)
        rules.append(
            Rule(name=path.name, when=when, replay=path, speed=options.speed, times=1 if later else None)
        )
    return _listen(options, replace(_settings(options), rules=RuleBook(rules)))


def record(options: argparse.Namespace) -> int:
    """Stand before a real API and keep its answers with their timing."""
    from functools import partial

    from mock_llm.recorder import Recorder
    from mock_llm.server import listen

    if not options.upstream.startswith(("http://", "https://")):
        raise RecordingError(
            f"--upstream is an address such as https://api.openai.com, not {options.upstream!r}"
        )
    options.output.mkdir(parents=True, exist_ok=True)
    recorder = Recorder(options.upstream, options.output, partial(print, flush=True))
    return listen(options.host, options.port, recorder, f"mock_llm records {options.upstream} at")


def profiles(options: argparse.Namespace) -> int:
    """List the profiles."""
    for row in map(describe, _profiles(options).values()):
        pace = (
            f"first token {row['first_token']:g} s, {float(row['rate']):g} tokens/s, {row['tokens']} tokens"
        )
        print(f"{row['name']:<14} {pace:<56} {row['about']}\n{'':<14} {row['source']}")
    return 0


def import_(options: argparse.Namespace) -> int:
    """Make recordings of what other tools captured."""
    from mock_llm.captures import from_capture, from_har
    from mock_llm.recording import save_recording

    if options.capture.suffix == ".har":
        recordings = from_har(options.capture)
    elif options.api is None:
        raise RecordingError("a capture does not say which API it is of: give --api")
    else:
        pace = {"timing": options.timing, "first": options.first_token, "gap": options.gap}
        recordings = [from_capture(options.capture, options.api, **pace)]
    for number, recording in enumerate(recordings):
        path = options.output
        if len(recordings) > 1:
            path = path.with_name(f"{path.stem}-{number + 1}{path.suffix}")
        save_recording(recording, path)
        print(f"{path}: {recording.api}, {len(recording.frames)} frames, {recording.end / 1e6:g} s")
    return 0


def _profiles(options: argparse.Namespace) -> dict[str, Profile]:
    found = load_profiles()
    if options.profiles is not None:
        found |= load_profiles(options.profiles)
    return found


def _settings(options: argparse.Namespace) -> Settings:
    rules = None
    if options.rules is not None:
        from mock_llm.rules import load_rules

        rules = load_rules(options.rules)
    # The one place that reads a wall clock: alone, the model lives in real time.
    return Settings(
        options.profile,
        options.seed,
        options.require_key,
        epoch=time.time,
        profiles=_profiles(options),
        rules=rules,
        quota=read_quota(options.quota),
    )


def _listen(options: argparse.Namespace, settings: Settings) -> int:
    from mock_llm.app import create_app
    from mock_llm.server import listen

    return listen(options.host, options.port, create_app(settings))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="mock-llm", description="A deterministic, slow mock model.")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    served = commands.add_parser("serve", help="answer until interrupted (what happens without a command)")
    _add_serving(served)
    served.set_defaults(run=serve)
    replayed = commands.add_parser("replay", help="answer with recordings")
    replayed.add_argument("recordings", type=Path, nargs="+", metavar="FILE", help="recordings (JSON lines)")
    replayed.add_argument(
        "--speed", type=_speed, default=1.0, help="2 is twice as fast (default: %(default)s)"
    )
    _add_serving(replayed)
    replayed.set_defaults(run=replay)
    recorded = commands.add_parser(
        "record", help="stand before a real API and make recordings of its answers"
    )
    recorded.add_argument("--upstream", required=True, metavar="URL", help="the API: https://api.openai.com")
    recorded.add_argument(
        "-o", "--output", type=Path, default=Path("recordings"), help="folder (%(default)s)"
    )
    _add_address(recorded)
    recorded.set_defaults(run=record)
    listed = commands.add_parser("profiles", help="list the profiles with their sources")
    listed.add_argument("--profiles", type=Path, metavar="FILE", help="TOML file with more profiles")
    listed.set_defaults(run=profiles)
    imported = commands.add_parser("import", help="make a recording of a captured stream or a HAR file")
    imported.add_argument("capture", type=Path, help="a saved stream, or a file that ends in .har")
    imported.add_argument("-o", "--output", type=Path, required=True, help="the recording to write")
    imported.add_argument(
        "--api", help="of a saved stream: openai.chat, anthropic.messages, bedrock.converse ..."
    )
    imported.add_argument("--timing", type=Path, help="lines SECONDS BYTES, as script --timing writes them")
    imported.add_argument("--first-token", type=float, default=0.5, help="seconds (default: %(default)s)")
    imported.add_argument(
        "--gap", type=float, default=0.02, help="seconds between events (default: %(default)s)"
    )
    imported.set_defaults(run=import_)
    return parser


def _add_address(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    add("--port", type=int, default=8001, help="port, 0 for any free one (default: %(default)s)")


def _add_serving(parser: argparse.ArgumentParser) -> None:
    _add_address(parser)
    add = parser.add_argument
    add("--profile", default="typical", help="pace of models with no profile of their own")
    add("--profiles", type=Path, metavar="FILE", help="TOML file with more profiles")
    add("--rules", type=Path, metavar="FILE", help="YAML file of scripted answers")
    add("--quota", help="what each model takes in a minute: requests=60,tokens=40000")
    add("--seed", type=int, default=0, help="seed of all texts and paces (default: %(default)s)")
    add("--require-key", action="store_true", help="refuse requests that carry no key")


def _speed(text: str) -> float:
    speed = float(text)
    if not 0 < speed < float("inf"):
        raise argparse.ArgumentTypeError("must be more than 0")
    return speed
