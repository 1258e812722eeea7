"""Resolvers and pipeline functions."""

from __future__ import annotations

from collections.abc import Mapping
from string import ascii_lowercase
from typing import Any

from sandbox.aws import appsync_js
from sandbox.control.shims.appsync.data_sources import source
from sandbox.control.shims.appsync.schemas import fields
from sandbox.control.shims.appsync.state import State
from sandbox.control.shims.appsync.store import Document, GraphqlRecord, bad_request, find, given, not_found
from sandbox.control.shims.call import Call, Handler

SHARED = (
    *("dataSourceName", "requestMappingTemplate", "responseMappingTemplate"),
    *("syncConfig", "maxBatchSize", "runtime", "code"),
)
RESOLVER = (*SHARED, "pipelineConfig", "cachingConfig", "metricsConfig")
FUNCTION = (*SHARED, "name", "description")


class Resolvers:
    """Operations on resolvers."""

    def __init__(self, state: State) -> None:
        self._state = state

    def handlers(self) -> Mapping[str, Handler]:
        """By operation."""
        return {
            "CreateResolver": self.create,
            "GetResolver": self.get,
            "ListResolvers": self.list,
            "ListResolversByFunction": self.list_by_function,
            "UpdateResolver": self.update,
            "DeleteResolver": self.delete,
        }

    async def create(self, call: Call) -> Mapping[str, Any]:
        """``CreateResolver``."""
        api, key = self._state.graphql_api(call), _key(call)
        if key in api.resolvers:
            raise bad_request("Only one resolver is allowed per field.")  # so in several public issues
        if key[1] not in fields(api, key[0]):
            raise not_found(f"No field named {key[1]} found on type {key[0]}")
        return {"resolver": _put(api, key, call.params)}

    async def get(self, call: Call) -> Mapping[str, Any]:
        """``GetResolver``."""
        return {"resolver": _found(self._state.graphql_api(call), _key(call))}

    async def list(self, call: Call) -> Mapping[str, Any]:
        """``ListResolvers``."""
        resolvers = self._state.graphql_api(call).resolvers
        found = [document for (type_, _), document in resolvers.items() if type_ == call.params["typeName"]]
        return self._state.listed(call, found, "resolvers")

    async def list_by_function(self, call: Call) -> Mapping[str, Any]:
        """``ListResolversByFunction``."""
        api, function = self._state.graphql_api(call), call.params["functionId"]
        _function(api, function)
        found = [document for document in api.resolvers.values() if function in _pipeline(document)]
        return self._state.listed(call, found, "resolvers")

    async def update(self, call: Call) -> Mapping[str, Any]:
        """``UpdateResolver``: what the request leaves out is taken away."""
        api, key = self._state.graphql_api(call), _key(call)
        _found(api, key)
        return {"resolver": _put(api, key, call.params)}

    async def delete(self, call: Call) -> Mapping[str, Any]:
        """``DeleteResolver``."""
        api, key = self._state.graphql_api(call), _key(call)
        _found(api, key)
        del api.resolvers[key]
        api.epoch += 1
        return {}


class Functions:
    """Operations on pipeline functions."""

    def __init__(self, state: State) -> None:
        self._state = state

    def handlers(self) -> Mapping[str, Handler]:
        """By operation."""
        return {
            "CreateFunction": self.create,
            "GetFunction": self.get,
            "ListFunctions": self.list,
            "UpdateFunction": self.update,
            "DeleteFunction": self.delete,
        }

    async def create(self, call: Call) -> Mapping[str, Any]:
        """``CreateFunction``."""
        ids = self._state.sandbox.ids  # a function's id is a GraphQL name: it does not begin with a digit
        return {"functionConfiguration": self._put(call, ids.text(1, ascii_lowercase) + ids.text(25))}

    async def get(self, call: Call) -> Mapping[str, Any]:
        """``GetFunction``."""
        found = _function(self._state.graphql_api(call), call.params["functionId"])
        return {"functionConfiguration": found}

    async def list(self, call: Call) -> Mapping[str, Any]:
        """``ListFunctions``."""
        return self._state.listed(call, list(self._state.graphql_api(call).functions.values()), "functions")

    async def update(self, call: Call) -> Mapping[str, Any]:
        """``UpdateFunction``: what the request leaves out is taken away."""
        function_id = call.params["functionId"]
        _function(self._state.graphql_api(call), function_id)
        return {"functionConfiguration": self._put(call, function_id)}

    async def delete(self, call: Call) -> Mapping[str, Any]:
        """``DeleteFunction``: not while a pipeline has it."""
        api, function_id = self._state.graphql_api(call), call.params["functionId"]
        _function(api, function_id)
        for document in api.resolvers.values():
            if function_id in _pipeline(document):
                raise bad_request("Cannot delete a function which is currently used by resolver")
        del api.functions[function_id]
        api.epoch += 1
        return {}

    def _put(self, call: Call, function_id: str) -> Document:
        api, params = self._state.graphql_api(call), call.params
        source(api, params["dataSourceName"])
        _check_code(params)
        made = {
            **given(params, FUNCTION),
            "functionId": function_id,
            "functionArn": f"{api.arn}/functions/{function_id}",
        }
        if not made.get("code"):
            made["functionVersion"] = params.get("functionVersion", "2018-05-29")
        made.setdefault("maxBatchSize", 0)
        api.functions[function_id] = made
        api.epoch += 1
        return made


def _key(call: Call) -> tuple[str, str]:
    return call.params["typeName"], call.params["fieldName"]


def _found(api: GraphqlRecord, key: tuple[str, str]) -> Document:
    found = api.resolvers.get(key)
    if found is None:
        raise not_found("No resolver found.")
    return found


def _function(api: GraphqlRecord, function_id: str) -> Document:
    return find(api.functions, function_id, f"No function found with ID {function_id}")


def _pipeline(document: Document) -> list[str]:
    return list((document.get("pipelineConfig") or {}).get("functions") or ())


def _put(api: GraphqlRecord, key: tuple[str, str], params: Mapping[str, Any]) -> Document:
    document = {**given(params, RESOLVER), "kind": params.get("kind", "UNIT"), "maxBatchSize": 0}
    document["maxBatchSize"] = params.get("maxBatchSize", 0)
    _check_kind(api, document)
    _check_code(document)
    document |= {
        "typeName": key[0],
        "fieldName": key[1],
        "resolverArn": f"{api.arn}/types/{key[0]}/resolvers/{key[1]}",
    }
    api.resolvers[key] = document
    api.epoch += 1
    return document


def _check_kind(api: GraphqlRecord, document: Document) -> None:
    if document["kind"] == "UNIT":
        if document.get("pipelineConfig"):
            raise bad_request("A unit resolver cannot have a pipeline config.")
        if not document.get("dataSourceName"):
            raise bad_request("A unit resolver must have a data source.")
        source(api, document["dataSourceName"])
        return
    if document.get("dataSourceName"):
        raise bad_request("A pipeline resolver cannot have a data source.")
    missing = [function for function in _pipeline(document) if function not in api.functions]
    if missing:  # the words stand in a public issue of the CDK
        raise not_found(
            f"The specified functions [{','.join(missing)}] must exist before referencing them from a resolver."
        )


def _check_code(document: Mapping[str, Any]) -> None:
    """Code and runtime come together, without templates, and the code must be what the runtime takes."""
    code, runtime = document.get("code"), document.get("runtime")
    if bool(code) != bool(runtime):
        raise bad_request("Code and runtime must be specified together.")
    if code is None:
        return
    if document.get("requestMappingTemplate") or document.get("responseMappingTemplate"):
        raise bad_request("Code and mapping templates cannot be specified together.")
    refuse_bad_code(code, ("request", "response"))


def refuse_bad_code(code: str, exports: tuple[str, ...]) -> None:
    """Raise ``BadRequestException`` with the errors of a code, as AppSync lists them."""
    errors = appsync_js.check(code, exports)
    if errors:
        raise bad_request(
            "The code contains one or more errors.",
            reason="CODE_ERROR",
            detail={"codeErrors": [error.document() for error in errors]},
        )
