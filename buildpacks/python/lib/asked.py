"""Prints what is to be installed, a requirement a line, from Pipfile.lock or pyproject.toml (the argument).

"." means the project itself. Ends with a sentence on standard error where that cannot be known.
"""

import json
import platform
import sys


def pipfile_lock():
    try:
        packages = json.load(open("Pipfile.lock", encoding="utf-8")).get("default", {})
    except ValueError as error:
        sys.exit(f'Pipfile.lock cannot be read ({error}): run "pipenv lock" again')
    for name, what in packages.items():
        if "version" not in what:
            sys.exit(f"Pipfile.lock: {name} has no version; only packages from an index can be installed from it")
        extras = "[%s]" % ",".join(what["extras"]) if what.get("extras") else ""
        marker = " ; " + what["markers"] if what.get("markers") else ""
        yield name + extras + what["version"] + marker


def check_python(asked):
    """Refuses what this Python is too old or too new for, if pip's own judge is there."""
    try:
        from pip._vendor.packaging.specifiers import SpecifierSet
    except ImportError:
        return
    have = platform.python_version()
    if asked and have not in SpecifierSet(asked):
        sys.exit(
            f"pyproject.toml asks for Python {asked}, this stack has {have}: change requires-python, or choose another stack"
        )


def pyproject():
    try:
        import tomllib
    except ImportError:
        # Before 3.11: pip reads it by itself.
        return ["."]
    try:
        about = tomllib.load(open("pyproject.toml", "rb"))
    except ValueError as error:
        sys.exit(f"pyproject.toml cannot be read: {error}")
    check_python(about.get("project", {}).get("requires-python"))
    poetry = about.get("tool", {}).get("poetry", {})
    if poetry.get("package-mode") is False and "dependencies" not in about.get("project", {}):
        sys.exit(
            "pyproject.toml is Poetry's own and makes no package: write a requirements.txt "
            '("poetry export -o requirements.txt") and push it with it'
        )
    # An application, not a package: what it needs is installed, it itself runs where it is.
    if "build-system" not in about or poetry.get("package-mode") is False:
        return about.get("project", {}).get("dependencies", [])
    return ["."]


for line in pipfile_lock() if sys.argv[1] == "Pipfile.lock" else pyproject():
    print(line)
