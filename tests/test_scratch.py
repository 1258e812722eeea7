"""The folder of a running sandbox."""

import fcntl
import subprocess
import sys
import tempfile

from sandbox.scratch import scratch


def test_folder_is_gone_at_the_end(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with scratch(None) as folder:
        assert folder.parent == tmp_path
        (folder / "file").write_text("x")
    assert list(tmp_path.iterdir()) == []


def test_given_folder_stays(tmp_path):
    with scratch(tmp_path / "mine") as folder:
        folder.mkdir()
    assert folder.is_dir()


def test_killed_sandboxes_are_swept_away_and_living_ones_are_not(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    program = (
        "import sys, tempfile; tempfile.tempdir = sys.argv[1]\n"
        "from sandbox.scratch import scratch\n"
        "with scratch(None) as folder:\n"
        "    print(folder, flush=True); sys.stdin.read()\n"
    )
    command = [sys.executable, "-c", program, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        theirs = other.stdout.readline().strip()
        with scratch(None):
            assert theirs in map(str, tmp_path.iterdir())
        other.kill()
    assert theirs in map(str, tmp_path.iterdir())
    with scratch(None) as ours:
        assert list(tmp_path.iterdir()) == [ours]


def test_a_folder_that_is_just_being_made_is_not_swept_away(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    real_lock = fcntl.flock

    def another_sandbox_starts(file, how):
        if how == fcntl.LOCK_EX:
            monkeypatch.setattr(fcntl, "flock", real_lock)
            with scratch(None):
                pass
        real_lock(file, how)

    monkeypatch.setattr(fcntl, "flock", another_sandbox_starts)
    with scratch(None) as folder:
        assert folder.is_dir()
