import subprocess
import tomllib
from importlib.metadata import version
from pathlib import Path

from slugs.command import main


def test_version():
    pyproject = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())
    assert version("slugs") == pyproject["project"]["version"]


def test_command(capsys):
    assert main(["Hello", "there"]) == 0
    assert capsys.readouterr().out == "hello-there\n"


def test_command_without_words(capsys):
    assert main([]) == 2
    assert "nothing" in capsys.readouterr().err


def test_console_script():
    done = subprocess.run(["slug", "A", "B"], capture_output=True, text=True, check=True)
    assert done.stdout == "a-b\n"
