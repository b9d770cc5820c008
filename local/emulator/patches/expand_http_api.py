"""Replaces the OpenAPI `Body` of HTTP APIs in a CloudFormation template by explicit API Gateway resources.

SAM translates `AWS::Serverless::HttpApi` into an API with a `Body`. The emulator ignores it and would serve no route.
"""

import copy
from typing import Any

type Template = dict[str, Any]

_INTEGRATION = "x-amazon-apigateway-integration"
_AUTHORIZER = "x-amazon-apigateway-authorizer"
_ANY = "x-amazon-apigateway-any-method"
_METHODS = {"get", "put", "post", "delete", "options", "head", "patch", _ANY}


class UnknownBodyError(ValueError):
    """The Body contains something that this module cannot translate. It stops, so as not to serve another API than AWS does."""


def expand_http_apis(template: Template, *, api_ids: dict[str, str] | None = None) -> Template:
    """A copy of the template without Bodies. `api_ids` maps an API's logical id to the id that the emulator must give it.

    Raises UnknownBodyError.
    """
    expanded = copy.deepcopy(template)
    for name, resource in template["Resources"].items():
        if resource["Type"] == "AWS::ApiGatewayV2::Api" and "Body" in resource["Properties"]:
            expanded["Resources"] |= _expanded(name, resource, (api_ids or {}).get(name))
    return expanded


def _expanded(name: str, resource: dict[str, Any], api_id: str | None) -> dict[str, Any]:
    body = resource["Properties"]["Body"]
    if unknown := {key for key in body if key.startswith("x-amazon-apigateway-")} | ({"security"} & set(body)):
        raise UnknownBodyError(f"{name}: {', '.join(sorted(unknown))} at the root of the Body")
    authorizers = _authorizers(name, body)
    return (
        {name: _api(resource, body, api_id)}
        | dict(authorizers.values())
        | _routes(name, body, {scheme: logical_id for scheme, (logical_id, _) in authorizers.items()})
    )


def _api(resource: dict[str, Any], body: dict[str, Any], api_id: str | None) -> dict[str, Any]:
    kept = {key: value for key, value in resource["Properties"].items() if key not in {"Body", "FailOnWarnings"}}
    tags = {tag["name"]: tag["x-amazon-apigateway-tag-value"] for tag in body.get("tags", [])}
    pinned = {"ms-custom-id": api_id} if api_id else {}
    properties = {"Name": body["info"]["title"], "ProtocolType": "HTTP"} | kept
    return resource | {"Properties": properties | {"Tags": tags | kept.get("Tags", {}) | pinned}}


def _authorizers(name: str, body: dict[str, Any]) -> dict[str, tuple[str, dict[str, Any]]]:
    schemes = body.get("components", {}).get("securitySchemes", {})
    return {scheme: (f"{name}{scheme}Authorizer", _authorizer(name, scheme, of)) for scheme, of in schemes.items()}


def _authorizer(name: str, scheme: str, described: dict[str, Any]) -> dict[str, Any]:
    authorizer = described.get(_AUTHORIZER, {})
    if authorizer.get("type") != "request":
        raise UnknownBodyError(f"{name}: {scheme} is no Lambda authorizer")
    properties = {
        "ApiId": {"Ref": name},
        "Name": scheme,
        "AuthorizerType": "REQUEST",
        "AuthorizerUri": authorizer["authorizerUri"],
        "AuthorizerPayloadFormatVersion": str(authorizer["authorizerPayloadFormatVersion"]),
        "IdentitySource": authorizer["identitySource"],
        "AuthorizerResultTtlInSeconds": authorizer["authorizerResultTtlInSeconds"],
        "EnableSimpleResponses": authorizer["enableSimpleResponses"],
    }
    return {"Type": "AWS::ApiGatewayV2::Authorizer", "Properties": properties}


def _routes(name: str, body: dict[str, Any], authorizers: dict[str, str]) -> dict[str, Any]:
    """A route and an integration for each operation of the Body, numbered in the order of their paths."""
    operations = [
        (_route_key(name, path, method), operation)
        for path, methods in sorted(body["paths"].items())
        for method, operation in methods.items()
    ]
    resources: dict[str, Any] = {}
    for number, (route_key, operation) in enumerate(operations):
        integration = f"{name}Integration{number}"
        resources[integration] = _integration(name, route_key, operation)
        resources[f"{name}Route{number}"] = _route(name, route_key, integration, _secured_by(operation, authorizers))
    return resources


def _route_key(name: str, path: str, method: str) -> str:
    if method not in _METHODS:
        raise UnknownBodyError(f"{name}: {method} {path}")
    if path.lstrip("/") == "$default":
        return "$default"
    return f"{'ANY' if method == _ANY else method.upper()} {path}"


def _secured_by(operation: dict[str, Any], authorizers: dict[str, str]) -> str | None:
    """The authorizer's logical id, or None for an open route. For an open route SAM writes the undefined scheme NONE."""
    names = [name for requirement in operation.get("security", []) for name in requirement if name != "NONE"]
    if not names:
        return None
    if len(names) > 1 or names[0] not in authorizers:
        raise UnknownBodyError(f"security: {names}")
    return authorizers[names[0]]


def _integration(name: str, route_key: str, operation: dict[str, Any]) -> dict[str, Any]:
    integration = operation.get(_INTEGRATION, {})
    if integration.get("type") != "aws_proxy":
        raise UnknownBodyError(f"{name}: the integration of {route_key} is no Lambda proxy")
    properties = {
        "ApiId": {"Ref": name},
        "IntegrationType": "AWS_PROXY",
        "IntegrationMethod": integration["httpMethod"],
        "IntegrationUri": integration["uri"],
        "PayloadFormatVersion": str(integration["payloadFormatVersion"]),
    }
    return {"Type": "AWS::ApiGatewayV2::Integration", "Properties": properties}


def _route(name: str, route_key: str, integration: str, authorizer: str | None) -> dict[str, Any]:
    properties: dict[str, Any] = {
        "ApiId": {"Ref": name},
        "RouteKey": route_key,
        "Target": {"Fn::Join": ["/", ["integrations", {"Ref": integration}]]},
    }
    if authorizer:
        properties |= {"AuthorizationType": "CUSTOM", "AuthorizerId": {"Ref": authorizer}}
    return {"Type": "AWS::ApiGatewayV2::Route", "Properties": properties}
