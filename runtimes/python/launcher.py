"""Runs Python actions for whirl-action-proxy: one JSON line per request on stdin, one JSON line per answer on
descriptor 3. It serves no HTTP and unpacks nothing; ../README.md describes the protocol."""

import functools
import json
import linecache
import os
import sys
import traceback
import types

MODULE = "main__"
ENCODE = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode


class InitError(Exception):
    """An init that failed for a reason that needs no traceback."""


def take_pipes():
    """Moves the protocol's pipes away from descriptors 0 and 3, where the action could disturb them."""
    requests = os.fdopen(os.dup(0), "rb", 1 << 16)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    answers = os.dup(3)
    os.close(3)
    return requests, answers


def send(answers, text):
    """Sends one line once all that the action has printed is in the streams."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (AttributeError, OSError, ValueError):
            pass  # the action closed or replaced it
    data = memoryview(text.encode("utf-8") + b"\n")
    while data:
        data = data[os.write(answers, data):]


def to_json(value):
    """Compact JSON text that is valid UTF-8, whatever surrogates it holds."""
    text = ENCODE(value)
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        text = json.dumps(value, allow_nan=False, separators=(",", ":"))
    return text


def activate_virtualenv(directory):
    """Puts the packages of an archive's virtualenv on the path, as its own script does."""
    virtualenv = os.path.join(directory, "virtualenv")
    if not os.path.isdir(virtualenv):
        return
    for folder in ("bin", "Scripts"):
        script = os.path.join(virtualenv, folder, "activate_this.py")
        if os.path.exists(script):
            with open(script, encoding="utf-8") as source:
                exec(compile(source.read(), script, "exec"), {"__file__": script, "__name__": "activate_this"})
            return
    raise InitError("Invalid virtualenv. Zip file does not include 'activate_this.py'.")


def read_source(request):
    """The source of the action and the file name that tracebacks show."""
    directory = request.get("directory")
    if directory is None:
        source = request["code"]
        name = os.path.join(os.getcwd(), "__main__.py")
        linecache.cache[name] = (len(source), None, source.splitlines(True), name)
        return source, name
    os.chdir(directory)
    name = os.path.join(directory, "__main__.py")
    for candidate in (name, os.path.join(directory, "exec")):
        if os.path.isfile(candidate):
            name = candidate
            break
    else:
        raise InitError("Zip file does not include __main__.py.")
    activate_virtualenv(directory)
    sys.path.insert(0, directory)
    with open(name, "rb") as file:
        return file.read(), name


def load(request):
    """Loads the action and returns its entry point."""
    os.environ.update(request["env"])
    source, name = read_source(request)
    module = types.ModuleType(MODULE)
    module.__file__ = name
    sys.modules[MODULE] = module
    exec(compile(source, name, "exec"), module.__dict__)
    try:
        handler = functools.reduce(getattr, request["main"].split("."), module)
    except AttributeError:
        raise InitError(f"Action entrypoint '{request['main']}' is not defined.") from None
    if not callable(handler):
        raise InitError(f"Action entrypoint '{request['main']}' is not a function.")
    return handler


def init(answers, request):
    """Answers the first request; returns the entry point, or None if it could not be loaded."""
    try:
        handler = load(request)
    except InitError as error:
        print(error, file=sys.stderr)
        send(answers, to_json({"error": f"Cannot start action. {error}"}))
        return None
    except Exception as error:
        traceback.print_exc()
        reason = "".join(traceback.format_exception_only(error)).strip()
        send(answers, to_json({"error": f"Cannot start action. Initialization has failed due to: {reason}"}))
        return None
    send(answers, '{"ok":true}')
    return handler


def run(handler, request):
    """Runs the action once and returns the line to answer."""
    try:
        # Not every run has one, and that of an earlier run is not this one's.
        os.environ.pop("__OW_TRACEPARENT", None)
        for key, value in request.items():
            if key != "value" and isinstance(value, str):
                os.environ["__OW_" + key.upper()] = value
        value = request.get("value")
        return to_json(handler({} if value is None else value))
    except Exception as error:
        traceback.print_exc()
        return to_json({"error": str(error)})


def serve():
    """Answers requests until there are no more."""
    requests, answers = take_pipes()
    sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")
    sys.stderr.reconfigure(encoding="utf-8", errors="backslashreplace")
    handler = None
    for line in requests:
        if handler is None:
            handler = init(answers, json.loads(line))
        else:
            send(answers, run(handler, json.loads(line)))


if __name__ == "__main__":
    serve()
