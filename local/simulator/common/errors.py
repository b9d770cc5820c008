"""The provider's error table: code, HTTP status, default message."""

from typing import Final

TABLE: Final[dict[int, tuple[int, str]]] = {
    1000: (401, "Authentication failed"),
    1001: (401, "Authorization is empty"),
    1002: (401, "Authorization is invalid"),
    1003: (401, "Authorization is not yet valid"),
    1004: (401, "Authorization is expired"),
    1100: (429, "Account exception"),
    1101: (429, "Account in arrears"),
    1102: (429, "Account balance not enough"),
    1103: (403, "No permission for the requested resource"),
    1200: (400, "Invalid request parameters"),
    1201: (400, "Invalid parameter key or value"),
    1202: (404, "Invalid request method or path"),
    1203: (404, "The requested resource does not exist"),
    1300: (400, "Platform policy triggered"),
    1301: (400, "Content security policy triggered"),
    1302: (429, "Too many requests; rate limit exceeded"),
    1303: (429, "parallel task over resource pack limit"),
    1304: (429, "IP address is not on the allow-list"),
    5000: (500, "Server internal error"),
    5001: (503, "Server is under maintenance"),
    5002: (504, "Server internal timeout"),
}


class ProviderError(Exception):
    """The provider refuses a request. `code` is one of TABLE, `status` its HTTP status, if not that of the table."""

    def __init__(self, code: int, message: str = "", status: int = 0) -> None:
        self.code = code
        self.status, default = TABLE[code]
        self.status = status or self.status
        self.message = message or default
        super().__init__(f"{code}: {self.message}")


class AdminError(Exception):
    """A request to an admin endpoint is wrong. The response is 400 with `error`."""
