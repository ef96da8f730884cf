"""Bad arguments of the command."""

import re

import pytest

from skdnn.cli import main


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["trian", "iris"], "skdnn: error: argument COMMAND: .* \\(did you mean 'train'\\?\\)"),
        (["train", "iris", "--preset", "fats"], "skdnn train: .* \\(did you mean 'fast'\\?\\)"),
        (
            ["train", "iris", "--valdi", "0.2"],
            "skdnn train: error: unknown argument --valdi \\(did you mean '--valid'\\?\\)",
        ),
        (["info", "a.skdnn", "b"], r"skdnn info: error: unknown argument b \(see"),
        (["--verson"], r"skdnn: error: unknown argument --verson \(did you mean '--version'"),
    ],
)
def test_the_nearest_command_option_or_choice_is_named(arguments, line, capsys):
    assert main(arguments) == 2
    assert re.match(line, capsys.readouterr().err)


def test_a_package_that_is_not_installed_is_reported(monkeypatch, tmp_path, capsys):
    def check_process():
        raise ModuleNotFoundError("Not installed: tensorflow.\nInstall it.")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("skdnn._training.process.check_process", check_process)
    assert main(["train", "iris", "--preset", "plain", "--epochs", "1"]) == 2
    expected = "skdnn train: error: Not installed: tensorflow. Install it.\n"
    assert capsys.readouterr().err == expected
    assert not list(tmp_path.iterdir())
