"""A shim's operations are imported and made when its service is first asked for."""

import subprocess
import sys

PROGRAM = """
import asyncio, sys
from sandbox.app import open_sandbox
from sandbox.clock import run

def loaded():
    return "sandbox.control.shims.ecs.clusters" in sys.modules

async def main(clock):
    async with open_sandbox(clock) as sandbox:
        before = loaded()
        answer = await sandbox.control.call("ecs", "ListClusters")
        print(before, loaded(), answer["clusterArns"])

run(main)
"""


def test_operations_are_imported_at_the_first_request():
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False)
    assert done.stdout.split()[:2] == ["False", "True"], done.stderr
