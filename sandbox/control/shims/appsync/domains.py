"""Custom domain names and what they lead to. The certificate is not looked at."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.control.shims.appsync.state import State
from sandbox.control.shims.appsync.store import Document, bad_request, find, given, not_found
from sandbox.control.shims.call import Call, Handler


class Domains:
    """Operations on domain names."""

    def __init__(self, state: State) -> None:
        self._state = state

    def handlers(self) -> Mapping[str, Handler]:
        """By operation."""
        return {
            "CreateDomainName": self.create,
            "GetDomainName": self.get,
            "ListDomainNames": self.list,
            "UpdateDomainName": self.update,
            "DeleteDomainName": self.delete,
            "AssociateApi": self.associate,
            "GetApiAssociation": self.association,
            "DisassociateApi": self.disassociate,
        }

    async def create(self, call: Call) -> Mapping[str, Any]:
        """``CreateDomainName``."""
        region, name = call.target.region, call.params["domainName"]
        if any(taken == name for _, taken in self._state.domains):
            raise bad_request(f"The domain name {name} already exists.")
        made: Document = {
            **given(call.params, ("domainName", "certificateArn", "description")),
            "tags": call.params.get("tags") or {},
            # On AWS an alias record to CloudFront is set to this name.
            "appsyncDomainName": f"d{self._state.sandbox.ids.text(13)}.cloudfront.net",
            "hostedZoneId": "Z2FDTNDATAQYW2",  # CloudFront's hosted zone id, as the AWS General Reference has it
            "domainNameArn": self._state.arn(region, f"domainnames/{name}"),
        }
        self._state.domains[region, name] = made
        return {"domainNameConfig": made}

    async def get(self, call: Call) -> Mapping[str, Any]:
        """``GetDomainName``."""
        return {"domainNameConfig": self._found(call)}

    async def list(self, call: Call) -> Mapping[str, Any]:
        """``ListDomainNames``."""
        domains = self._state.domains.items()
        found = [document for (region, _), document in domains if region == call.target.region]
        return self._state.listed(call, found, "domainNameConfigs")

    async def update(self, call: Call) -> Mapping[str, Any]:
        """``UpdateDomainName``."""
        found = self._found(call)
        found.update(given(call.params, ("description",)))
        return {"domainNameConfig": found}

    async def delete(self, call: Call) -> Mapping[str, Any]:
        """``DeleteDomainName``: not while an API is associated."""
        name = self._found(call)["domainName"]
        if name in self._state.associations:
            raise bad_request(f"The domain name {name} has an API associated with it.")
        del self._state.domains[call.target.region, name]
        return {}

    async def associate(self, call: Call) -> Mapping[str, Any]:
        """``AssociateApi``; another one than before takes its place."""
        name, api_id = self._found(call)["domainName"], call.params["apiId"]
        if self._state.by_id(api_id) is None:
            raise not_found(f"GraphQL API {api_id} not found.")
        self._state.associations[name] = api_id
        return _association(name, api_id)

    async def association(self, call: Call) -> Mapping[str, Any]:
        """``GetApiAssociation``."""
        name = self._found(call)["domainName"]
        message = f"No API is associated with the domain name {name}."
        return _association(name, find(self._state.associations, name, message))

    async def disassociate(self, call: Call) -> Mapping[str, Any]:
        """``DisassociateApi``."""
        await self.association(call)
        del self._state.associations[call.params["domainName"]]
        return {}

    def _found(self, call: Call) -> Document:
        name = call.params["domainName"]
        found = self._state.domains.get((call.target.region, name))
        if found is None:
            raise not_found(f"Domain name {name} not found.")
        return found


def _association(name: str, api_id: str) -> Document:
    return {"apiAssociation": {"domainName": name, "apiId": api_id, "associationStatus": "SUCCESS"}}
