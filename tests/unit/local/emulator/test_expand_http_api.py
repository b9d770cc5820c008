"""SAM's HTTP APIs are expanded to explicit resources for the emulator."""

from typing import Any

import pytest

from local.emulator.patches.expand_http_api import UnknownBodyError, expand_http_apis

AUTHORIZER = {
    "type": "request",
    "authorizerUri": {"Fn::Sub": "…Authorize…"},
    "authorizerResultTtlInSeconds": 300,
    "identitySource": ["$request.header.Authorization"],
    "authorizerPayloadFormatVersion": "2.0",
    "enableSimpleResponses": True,
}


def operation(function: str = "Submit", security: str | None = None) -> dict[str, Any]:
    described: dict[str, Any] = {
        "x-amazon-apigateway-integration": {
            "httpMethod": "POST",
            "type": "aws_proxy",
            "uri": {"Fn::Sub": f"…{function}…"},
            "payloadFormatVersion": "2.0",
        }
    }
    return described | ({"security": [{security: []}]} if security else {})


def api(paths: dict[str, Any], **body: Any) -> dict[str, Any]:
    whole = {
        "openapi": "3.0.1",
        "info": {"title": {"Ref": "AWS::StackName"}, "version": "1.0"},
        "paths": paths,
        "components": {"securitySchemes": {"Key": {"type": "apiKey", "x-amazon-apigateway-authorizer": AUTHORIZER}}},
        "tags": [{"name": "made:by", "x-amazon-apigateway-tag-value": "SAM"}],
    } | body
    stage = {"Type": "AWS::ApiGatewayV2::Stage", "Properties": {"ApiId": {"Ref": "Api"}}}
    resource = {"Type": "AWS::ApiGatewayV2::Api", "Properties": {"Body": whole, "FailOnWarnings": True}}
    return {"Parameters": {}, "Resources": {"Api": resource, "Stage": stage}}


def resources(template: dict[str, Any], kind: str) -> dict[str, Any]:
    return {
        name: each["Properties"] for name, each in template["Resources"].items() if each["Type"] == f"AWS::ApiGatewayV2::{kind}"
    }


def test_the_api_has_a_name_a_protocol_and_no_body() -> None:
    expanded = expand_http_apis(api({}))
    assert resources(expanded, "Api") == {
        "Api": {"Name": {"Ref": "AWS::StackName"}, "ProtocolType": "HTTP", "Tags": {"made:by": "SAM"}}
    }


def test_the_id_of_an_api_can_be_pinned() -> None:
    expanded = expand_http_apis(api({}), api_ids={"Api": "relay", "Other": "x"})
    assert resources(expanded, "Api")["Api"]["Tags"] == {"made:by": "SAM", "ms-custom-id": "relay"}


def test_an_operation_becomes_a_route_and_its_integration() -> None:
    expanded = expand_http_apis(api({"/v1/{operation+}": {"post": operation()}}))
    assert resources(expanded, "Route") == {
        "ApiRoute0": {
            "ApiId": {"Ref": "Api"},
            "RouteKey": "POST /v1/{operation+}",
            "Target": {"Fn::Join": ["/", ["integrations", {"Ref": "ApiIntegration0"}]]},
        }
    }
    assert resources(expanded, "Integration") == {
        "ApiIntegration0": {
            "ApiId": {"Ref": "Api"},
            "IntegrationType": "AWS_PROXY",
            "IntegrationMethod": "POST",
            "IntegrationUri": {"Fn::Sub": "…Submit…"},
            "PayloadFormatVersion": "2.0",
        }
    }


def test_each_route_reaches_its_own_function() -> None:
    paths = {"/a": {"get": operation("Get"), "post": operation("Post")}, "/b": {"get": operation("Other")}}
    expanded = expand_http_apis(api(paths))
    integrations = resources(expanded, "Integration")
    reached = {
        route["RouteKey"]: integrations[route["Target"]["Fn::Join"][1][1]["Ref"]]["IntegrationUri"]["Fn::Sub"]
        for route in resources(expanded, "Route").values()
    }
    assert reached == {"GET /a": "…Get…", "POST /a": "…Post…", "GET /b": "…Other…"}


@pytest.mark.parametrize("path", ["/$default", "$default"])
def test_the_default_route_has_no_method(path: str) -> None:
    expanded = expand_http_apis(api({path: {"x-amazon-apigateway-any-method": operation()}}))
    assert resources(expanded, "Route")["ApiRoute0"]["RouteKey"] == "$default"


def test_any_method_is_any() -> None:
    expanded = expand_http_apis(api({"/x": {"x-amazon-apigateway-any-method": operation()}}))
    assert resources(expanded, "Route")["ApiRoute0"]["RouteKey"] == "ANY /x"


def test_a_lambda_authorizer_is_kept_with_all_that_it_says() -> None:
    assert resources(expand_http_apis(api({})), "Authorizer") == {
        "ApiKeyAuthorizer": {
            "ApiId": {"Ref": "Api"},
            "Name": "Key",
            "AuthorizerType": "REQUEST",
            "AuthorizerUri": {"Fn::Sub": "…Authorize…"},
            "AuthorizerPayloadFormatVersion": "2.0",
            "IdentitySource": ["$request.header.Authorization"],
            "AuthorizerResultTtlInSeconds": 300,
            "EnableSimpleResponses": True,
        }
    }


def test_a_secured_route_names_its_authorizer_and_an_open_one_none() -> None:
    paths = {"/closed": {"get": operation(security="Key")}, "/open": {"get": operation(security="NONE")}}
    routes = resources(expand_http_apis(api(paths)), "Route")
    assert routes["ApiRoute0"]["AuthorizationType"] == "CUSTOM"
    assert routes["ApiRoute0"]["AuthorizerId"] == {"Ref": "ApiKeyAuthorizer"}
    assert "AuthorizationType" not in routes["ApiRoute1"]


def test_other_resources_and_apis_without_a_body_stay_as_they_are() -> None:
    template = api({})
    template["Resources"]["Plain"] = {"Type": "AWS::ApiGatewayV2::Api", "Properties": {"Name": "x"}}
    expanded = expand_http_apis(template)
    for name in ("Stage", "Plain"):
        assert expanded["Resources"][name] == template["Resources"][name]


def test_the_given_template_is_not_touched() -> None:
    template = api({"/x": {"get": operation(security="Key")}})
    expand_http_apis(template)
    assert template == api({"/x": {"get": operation(security="Key")}})


@pytest.mark.parametrize(
    "template",
    [
        api({}, **{"x-amazon-apigateway-cors": {}}),
        api({}, security=[{"Key": []}]),
        api({}, components={"securitySchemes": {"Jwt": {"x-amazon-apigateway-authorizer": {"type": "jwt"}}}}),
        api({}, components={"securitySchemes": {"Bare": {"type": "apiKey"}}}),
        api({"/x": {"get": operation(security="Unknown")}}),
        api({"/x": {"get": operation() | {"security": [{"Key": [], "Other": []}]}}}),
        api({"/x": {"get": {"x-amazon-apigateway-integration": {"type": "http_proxy"}}}}),
        api({"/x": {"get": {}}}),
        api({"/x": {"parameters": operation()}}),
    ],
)
def test_what_is_not_understood_stops_the_expansion(template: dict[str, Any]) -> None:
    with pytest.raises(UnknownBodyError, match=r"Api|security"):
        expand_http_apis(template)
