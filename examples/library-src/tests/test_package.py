import subprocess
from importlib.metadata import version

from slugs.command import main


def test_version():
    assert version("slugs") == "1.2.0"


def test_command(capsys):
    assert main(["Hello", "there"]) == 0
    assert capsys.readouterr().out == "hello-there\n"


def test_command_without_words(capsys):
    assert main([]) == 2
    assert "nothing" in capsys.readouterr().err


def test_console_script():
    done = subprocess.run(["slug", "A", "B"], capture_output=True, text=True, check=True)
    assert done.stdout == "a-b\n"
