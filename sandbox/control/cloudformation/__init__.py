"""CloudFormation: templates become stacks by calls of the services' own APIs."""

from sandbox.control.cloudformation.api.app import CloudFormation
from sandbox.control.cloudformation.deploy import Deployed, deploy, deploy_remote
from sandbox.control.cloudformation.errors import CloudFormationError, DeployError, TemplateError

__all__ = [
    "CloudFormation",
    "CloudFormationError",
    "DeployError",
    "Deployed",
    "TemplateError",
    "deploy",
    "deploy_remote",
]
