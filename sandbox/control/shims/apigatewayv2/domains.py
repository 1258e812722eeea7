"""Domain names, their mappings and VPC links: kept as records. No request is served at a domain name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.control.message import Response
from sandbox.control.shims.apigatewayv2.state import State
from sandbox.control.shims.apigatewayv2.store import (
    Document,
    bad_request,
    change,
    conflict,
    find,
    given,
    not_found,
)
from sandbox.control.shims.call import Call, Handler

DOMAIN = ("DomainNameConfigurations", "MutualTlsAuthentication", "RoutingMode", "Tags")
MAPPING = ("ApiId", "ApiMappingKey", "Stage")
LINK = ("Name", "SecurityGroupIds", "SubnetIds", "Tags")


class Domains:
    """Operations on domain names, API mappings and VPC links."""

    def __init__(self, state: State) -> None:
        self._state = state

    def handlers(self) -> Mapping[str, Handler]:
        """By operation."""
        return {
            "CreateDomainName": self.create,
            "GetDomainName": self.get,
            "GetDomainNames": self.list,
            "UpdateDomainName": self.update,
            "DeleteDomainName": self.delete,
            "CreateApiMapping": self.create_mapping,
            "GetApiMapping": self.get_mapping,
            "GetApiMappings": self.list_mappings,
            "UpdateApiMapping": self.update_mapping,
            "DeleteApiMapping": self.delete_mapping,
            "CreateVpcLink": self.create_link,
            "GetVpcLink": self.get_link,
            "GetVpcLinks": self.list_links,
            "UpdateVpcLink": self.update_link,
            "DeleteVpcLink": self.delete_link,
        }

    def _domain(self, call: Call) -> tuple[tuple[str, str], Document]:
        key = (call.target.region, call.params["DomainName"])
        if key not in self._state.domains:
            raise not_found("Invalid domain name identifier specified")
        return key, self._state.domains[key]

    async def create(self, call: Call) -> Mapping[str, Any]:
        """``CreateDomainName``."""
        region, name = call.target.region, call.params["DomainName"]
        if (region, name) in self._state.domains:
            raise conflict("The domain name you provided already exists.")
        made: Document = {
            "DomainName": name,
            "DomainNameArn": f"arn:aws:apigateway:{region}::/domainnames/{name}",
            "ApiMappingSelectionExpression": "$request.basepath",
            "RoutingMode": "API_MAPPING_ONLY",
            **given(call.params, DOMAIN),
        }
        for configuration in made.get("DomainNameConfigurations") or []:
            configuration.setdefault(
                "ApiGatewayDomainName", f"d-{self._state.new_id(10)}.execute-api.{region}.amazonaws.com"
            )
            configuration["DomainNameStatus"] = "AVAILABLE"
        self._state.domains[region, name] = made
        self._state.mappings[region, name] = {}
        return made

    async def get(self, call: Call) -> Mapping[str, Any]:
        """``GetDomainName``."""
        return self._domain(call)[1]

    async def list(self, call: Call) -> Mapping[str, Any]:
        """``GetDomainNames``."""
        domains = self._state.domains.items()
        return self._state.listed(
            call, [made for (region, _), made in domains if region == call.target.region]
        )

    async def update(self, call: Call) -> Mapping[str, Any]:
        """``UpdateDomainName``."""
        document = self._domain(call)[1]
        change(document, call.params, DOMAIN)
        return document

    async def delete(self, call: Call) -> Response:
        """``DeleteDomainName``."""
        key, _ = self._domain(call)
        del self._state.domains[key], self._state.mappings[key]
        return Response(204)

    def _check_mapping(self, call: Call, mapping: Document) -> None:
        api = find(self._state.apis(call.target.region), mapping["ApiId"], "API")
        if mapping["Stage"] not in api.stages:
            raise bad_request("Invalid stage identifier specified")

    def _mapping(self, call: Call) -> tuple[dict[str, Document], Document]:
        mappings = self._state.mappings[self._domain(call)[0]]
        return mappings, find(mappings, call.params["ApiMappingId"], "ApiMapping")

    async def create_mapping(self, call: Call) -> Mapping[str, Any]:
        """``CreateApiMapping``."""
        mappings = self._state.mappings[self._domain(call)[0]]
        made = {"ApiMappingId": self._state.new_id(6), "ApiMappingKey": "", **given(call.params, MAPPING)}
        self._check_mapping(call, made)
        if any(other["ApiMappingKey"] == made["ApiMappingKey"] for other in mappings.values()):
            raise conflict("ApiMapping key already exists for this domain name")
        mappings[made["ApiMappingId"]] = made
        return made

    async def get_mapping(self, call: Call) -> Mapping[str, Any]:
        """``GetApiMapping``."""
        return self._mapping(call)[1]

    async def list_mappings(self, call: Call) -> Mapping[str, Any]:
        """``GetApiMappings``."""
        return self._state.listed(call, list(self._state.mappings[self._domain(call)[0]].values()))

    async def update_mapping(self, call: Call) -> Mapping[str, Any]:
        """``UpdateApiMapping``."""
        mappings, mapping = self._mapping(call)
        changed = {**mapping, **given(call.params, MAPPING)}
        self._check_mapping(call, changed)
        mappings[changed["ApiMappingId"]] = changed
        return changed

    async def delete_mapping(self, call: Call) -> Response:
        """``DeleteApiMapping``."""
        mappings, mapping = self._mapping(call)
        del mappings[mapping["ApiMappingId"]]
        return Response(204)

    def _links(self, call: Call) -> dict[str, Document]:
        return self._state.links.setdefault(call.target.region, {})

    async def create_link(self, call: Call) -> Mapping[str, Any]:
        """``CreateVpcLink``."""
        made = {
            "VpcLinkId": self._state.new_id(6),
            "CreatedDate": self._state.now(),
            "VpcLinkStatus": "AVAILABLE",
            "VpcLinkVersion": "V2",
            "SecurityGroupIds": [],
            **given(call.params, LINK),
        }
        self._links(call)[made["VpcLinkId"]] = made
        return made

    def _link(self, call: Call) -> Document:
        return find(self._links(call), call.params["VpcLinkId"], "VpcLink")

    async def get_link(self, call: Call) -> Mapping[str, Any]:
        """``GetVpcLink``."""
        return self._link(call)

    async def list_links(self, call: Call) -> Mapping[str, Any]:
        """``GetVpcLinks``."""
        return self._state.listed(call, list(self._links(call).values()))

    async def update_link(self, call: Call) -> Mapping[str, Any]:
        """``UpdateVpcLink``: the name."""
        link = self._link(call)
        change(link, call.params, ("Name",))
        return link

    async def delete_link(self, call: Call) -> Response:
        """``DeleteVpcLink``."""
        del self._links(call)[self._link(call)["VpcLinkId"]]
        return Response(202)
