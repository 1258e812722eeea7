"""What the parts of the API share."""

from __future__ import annotations

from sandbox.aws.errors import AwsError
from sandbox.context import Sandbox
from sandbox.control.app_runner import Application, Applications, Scaling

DEFAULT = "DefaultConfiguration"


class State:
    """The records and the sandbox that they belong to."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.records = Applications()

    def reset(self) -> None:
        """Forget everything."""
        self.records.clear()

    def arn(self, resource: str) -> str:
        """An ARN of this service."""
        settings = self.sandbox.settings
        return f"arn:aws:apprunner:{settings.region}:{settings.account}:{resource}"

    def service(self, arn: str) -> Application:
        """By ARN. Raises ``AwsError``."""
        found = self.records.services.get(arn)
        if found is None or found.status == "DELETED":
            raise AwsError(400, "ResourceNotFoundException", f"Service with ARN {arn} was not found.")
        return found

    def make_scaling(self, name: str, requests: int, least: int, most: int) -> Scaling:
        """A new revision of a configuration."""
        revisions = [
            s for s in self.records.scalings.values() if s.info["AutoScalingConfigurationName"] == name
        ]
        for older in revisions:
            older.info["Latest"] = False
        number = len(revisions) + 1
        arn = self.arn(f"autoscalingconfiguration/{name}/{number}/{self.sandbox.ids.hex(32)}")
        info = {
            "AutoScalingConfigurationArn": arn,
            "AutoScalingConfigurationName": name,
            "AutoScalingConfigurationRevision": number,
            "Latest": True,
            "Status": "ACTIVE",
            "MaxConcurrency": requests,
            "MinSize": least,
            "MaxSize": most,
            "CreatedAt": self.sandbox.clock.utcnow(),
            "HasAssociatedService": False,
            "IsDefault": name == DEFAULT,
        }
        self.records.scalings[arn] = made = Scaling(arn, info)
        return made

    def scaling(self, arn: str | None) -> Scaling:
        """By ARN, also without its last parts; the default one without any. Raises ``AwsError``."""
        for known in reversed(self.records.scalings.values()):
            same = known.arn == arn or known.arn.startswith(f"{arn}/")
            if same or (arn is None and known.info["IsDefault"]):
                return known
        if arn is None:
            return self.make_scaling(DEFAULT, 100, 1, 25)
        raise AwsError(
            400, "ResourceNotFoundException", f"AutoScalingConfiguration with ARN {arn} was not found."
        )
