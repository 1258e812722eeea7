"""EKS: the Kubernetes API of a cluster, its pods as tasks."""

from sandbox.services.eks.service import EksService

__all__ = ["EksService"]
