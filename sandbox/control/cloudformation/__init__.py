"""CloudFormation: templates become stacks by calls of the services' own APIs."""

from sandbox.control.cloudformation.api.app import CloudFormation
from sandbox.control.cloudformation.errors import CloudFormationError, DeployError, TemplateError

__all__ = ["CloudFormation", "CloudFormationError", "DeployError", "TemplateError"]
