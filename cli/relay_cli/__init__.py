"""The command line `relay`: a client of the relay's HTTP API, and its operator's tools on AWS. The product never imports it."""


def main() -> None:
    """The entry point; says what to install when the optional packages are not there."""
    try:
        from relay_cli.app import run
    except ModuleNotFoundError as error:
        if error.name not in {"typer", "rich"}:
            raise
        raise SystemExit(f"relay needs the package {error.name}: install comet-relay[cli]") from None
    run()
