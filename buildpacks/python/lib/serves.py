"""Prints how an application without a Procfile is started, and what is to be said of that; nothing if that is not plain.

First line: the command. Second line, if there is one: a note. Looks at files and at what is installed; runs nothing of theirs.
"""

import ast
import glob
import importlib.util
import sys

ASGI = {"FastAPI", "Starlette", "Quart", "Litestar", "Sanic", "get_asgi_application"}
NAMES = ["application", "app"]


def has(module):
    return importlib.util.find_spec(module) is not None


def parsed(file):
    try:
        return ast.parse(open(file, encoding="utf-8").read(), file)
    except (OSError, SyntaxError, ValueError):
        return None


def assigned(tree):
    """Names at the top of a module, and what is called to make them, if it is a call."""
    made = {}
    for node in tree.body:
        if isinstance(node, (ast.Assign, ast.AnnAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            call = getattr(node.value, "func", None)
            maker = getattr(call, "attr", getattr(call, "id", None))
            made.update((target.id, maker) for target in targets if isinstance(target, ast.Name))
        elif isinstance(node, ast.FunctionDef) and node.name in NAMES:
            made[node.name] = None
    return made


def is_program(tree):
    """Does it do something when it is run, rather than only define things?"""
    return any(isinstance(node, ast.If) and "__main__" in ast.dump(node.test) for node in tree.body)


def serve(module, name, maker):
    """The command for an object that speaks WSGI or ASGI, by what is installed."""
    place = f"{module}:{name}"
    if maker in ASGI:
        if has("gunicorn") and has("uvicorn"):
            return f"gunicorn --bind 0.0.0.0:$PORT --worker-class uvicorn.workers.UvicornWorker {place}"
        if has("uvicorn"):
            return f"uvicorn --host 0.0.0.0 --port $PORT --proxy-headers --forwarded-allow-ips '*' {place}"
        if has("hypercorn"):
            return f"hypercorn --bind 0.0.0.0:$PORT {place}"
        if has("daphne"):
            return f"daphne -b 0.0.0.0 -p $PORT {place}"
        return None
    if has("gunicorn"):
        return f"gunicorn --bind 0.0.0.0:$PORT {place}"
    if has("waitress"):
        return f"waitress-serve --port=$PORT {place}"
    return None


def main():
    files = ["app.py", "wsgi.py", "main.py", "application.py", "server.py", "asgi.py"]
    files += sorted(glob.glob("*/wsgi.py")) + sorted(glob.glob("*/asgi.py"))
    trees = [(file, tree) for file in files if (tree := parsed(file))]
    objects = []
    for file, tree in trees:
        made = assigned(tree)
        name = next((name for name in NAMES if name in made), None)
        if name:
            objects.append((file[:-3].replace("/", "."), name, made[name]))
    # A project of Django has both, of which the first that can be served is as good as the other.
    for module, name, maker in objects:
        command = serve(module, name, maker)
        if command:
            return command, f"No Procfile: {command.split()[0]} serves {module}:{name}"
    for file, tree in trees:
        if file not in ("app.py", "main.py", "server.py"):
            continue
        made = assigned(tree)
        # Flask's own `app.run()` listens where nobody outside can reach it, unless somebody thought of that.
        knows_port = "PORT" in open(file, encoding="utf-8").read()
        if (is_program(tree) and (knows_port or "Flask" not in made.values())) or not any(name in made for name in NAMES):
            return f"python {file}", f"No Procfile: {file} is run; it must listen on 0.0.0.0 and the port that PORT names"
    if has("django") and glob.glob("manage.py"):
        return (
            "python manage.py runserver --noreload 0.0.0.0:$PORT",
            "**WARNING** served by Django's development server: add gunicorn to requirements.txt",
        )
    for module, name, maker in objects:
        if maker == "Flask" and has("flask"):
            return (
                f"flask --app {module} run --host 0.0.0.0 --port $PORT",
                "**WARNING** served by Flask's development server: add gunicorn to requirements.txt",
            )
    if objects:
        server = "uvicorn" if objects[0][2] in ASGI else "gunicorn"
        return "", f"Nothing installed can serve {objects[0][0]}:{objects[0][1]}: add {server} to requirements.txt"
    return None


found = main()
if found:
    print(*found, sep="\n")
