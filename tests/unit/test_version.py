"""What the command says of itself."""

from importlib.metadata import version

from typer.testing import CliRunner

from keystage.cli.main import app


def test_version_is_the_installed_one() -> None:
    done = CliRunner().invoke(app, ["--version"])

    assert (done.exit_code, done.stdout) == (0, f"keystage {version('keystage')}\n")
