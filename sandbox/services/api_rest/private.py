"""Private integrations: a VPC link leads to a load balancer, which the integration names as its target.

Source: botocore (``PutIntegration``): ``integrationTarget`` is the load balancer's ARN, the URI is not for routing.
Its host is what the load balancer gets as ``Host`` and its port names the listener (developer guide, "Set up private
integrations"; that a URI without a port means 80 or 443 is UNSOURCED).
"""

from __future__ import annotations

from urllib.parse import SplitResult, urlsplit

from sandbox.aws.errors import NotEmulatedError
from sandbox.services.api_rest.call import Call
from sandbox.services.api_rest.gateway_response import GatewayError


def through(call: Call, parts: SplitResult) -> SplitResult:
    """Where to connect for an address behind the link. Raises the 504 of an endpoint that is not there."""
    target = call.integration.target or ""
    if ":loadbalancer/app/" not in target:
        what = target or "the Network Load Balancer of a VPC link"
        raise NotEmulatedError(
            f"private integrations of REST APIs with {what} (integrationTarget is emulated)"
        )
    balancing = call.sandbox.control.load_balancing
    port = parts.port or (443 if parts.scheme == "https" else 80)
    balancer = balancing.load_balancers.get(target)
    ports = [one.port for one in balancing.listeners() if one.load_balancer == target]
    if balancer is None or port not in ports:
        what = f"no listener at port {port} of {target}" if balancer else f"no load balancer {target}"
        raise unreachable(what)
    own = urlsplit(call.sandbox.endpoint)
    name = balancer.dns_name.partition(".")[0]
    path = f"/_aws/alb/{name}:{port}{parts.path or '/'}"
    return parts._replace(scheme=own.scheme, netloc=own.netloc, path=path)


def unreachable(reason: str) -> GatewayError:
    """The 504 of an endpoint that is not there.

    The body was seen in github.com/RhinoSecurityLabs/IPRotate_Burp_Extension, issue 17 (Content-Length 56).
    """
    return GatewayError(
        "INTEGRATION_FAILURE",
        "Network error communicating with endpoint",
        504,
        "InternalServerErrorException",
        b'{"message": "Network error communicating with endpoint"}',
        reason=reason,
    )
