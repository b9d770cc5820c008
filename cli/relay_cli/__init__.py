"""The command line `relay`: a client of the relay's HTTP API, and the operator's tools on AWS. The relay never imports it."""


def main() -> None:
    """Run the program. If typer or rich is missing, exit with the command that installs it."""
    try:
        from relay_cli.app import run
    except ModuleNotFoundError as error:
        if error.name not in {"typer", "rich"}:
            raise
        raise SystemExit(f"relay needs the package {error.name}: install comet-relay-stack[cli]") from None
    run()
