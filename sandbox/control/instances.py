"""EC2 instances as targets. An instance of the sandbox is a record without a machine: a tag says what stands for it.

``sandbox:address`` = ``127.0.0.1``: the address of a program on this machine that the user started, which then gets
the instance's requests at the target's port. Without the tag nothing listens, as on an instance without a server.
"""

from __future__ import annotations

from sandbox.aws.errors import AwsError
from sandbox.context import Sandbox
from sandbox.control.elbv2 import Target

TAG = "sandbox:address"
Why = tuple[str, str]

# Source: botocore, elbv2, TargetHealth.Reason.
INVALID = "Target.InvalidState"
_STOPPED = (INVALID, "Target is in the stopped state")
_GONE = (INVALID, "Target is in the terminated state")


async def look(sandbox: Sandbox, target: Target) -> Why | None:
    """Find out where an instance is now; reason and description when it does not run."""
    try:
        found = await sandbox.control.call("ec2", "DescribeInstances", InstanceIds=[target.id])
    except AwsError:
        found = {"Reservations": []}
    target.address = None
    for reservation in found["Reservations"]:
        for instance in reservation["Instances"]:
            if instance["State"]["Name"] != "running":
                return _STOPPED if "stop" in instance["State"]["Name"] else _GONE
            tags = {tag["Key"]: tag["Value"] for tag in instance.get("Tags", [])}
            target.address = tags.get(TAG)
            return None
    return _GONE
