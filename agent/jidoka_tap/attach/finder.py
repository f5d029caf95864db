"""Waits for the application to import onnxruntime, then has jidoka_tap attach itself: the start-up hook's own part.

Loaded by its place, at the start of every Python of an attached application, before anything else: it imports next to
nothing, and jidoka_tap (with numpy) only behind onnxruntime, which needs numpy itself.
"""

import os
import sys

TYPE_CHECKING = False  # typing takes time to import
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, MutableMapping

RUNTIME = "onnxruntime"
HERE = os.path.dirname(os.path.abspath(__file__))
HOOK = os.path.join(HERE, "hook")
#: how to tell the hook of any installation, and a finder of any of them
HOOK_ENDS = os.path.join("jidoka_tap", "attach", "hook")
MARK = "is_of_jidoka_attach"
MODEL, MODELS, CHILDREN = "JIDOKA_ATTACH_MODEL", "JIDOKA_ATTACH_MODELS", "JIDOKA_ATTACH_CHILDREN"
VARIABLES = (MODEL, MODELS, CHILDREN)


def begin(environ: "MutableMapping[str, str]") -> None:
    """Called by the start-up hook, once. environ: os.environ."""
    if any(hasattr(each, MARK) for each in sys.meta_path):
        raise RuntimeError("it is attached already, by another installation of jidoka_tap")
    settings = {name: environ[name] for name in VARIABLES if name in environ}
    if settings.get(CHILDREN) == "no":
        strip(environ)
    wait_for_runtime(lambda: _attach(settings))


def strip(environ: "MutableMapping[str, str]") -> None:
    """Take the hook out of an environment: programs that get it start as without."""
    kept = [each for each in environ.get("PYTHONPATH", "").split(os.pathsep) if not is_hook(each)]
    if kept and kept != [""]:
        environ["PYTHONPATH"] = os.pathsep.join(kept)
    else:
        environ.pop("PYTHONPATH", None)
    for name in VARIABLES:
        environ.pop(name, None)


def is_hook(path: str) -> bool:
    """True for the folder that makes a Python attach, of this installation or another."""
    return os.path.normpath(path).endswith(HOOK_ENDS)


def is_loaded() -> bool:
    """True once onnxruntime is there, wholly."""
    return getattr(sys.modules.get(RUNTIME), "InferenceSession", None) is not None


def wait_for_runtime(act: "Callable[[], None]") -> None:
    """Call `act` once onnxruntime is imported: at once if it is."""
    if is_loaded():
        act()
    else:
        sys.meta_path.insert(0, Finder(act))


def stop_waiting() -> None:
    """Take every finder of `wait_for_runtime` away."""
    sys.meta_path[:] = [each for each in sys.meta_path if not hasattr(each, MARK)]


class Finder:
    """Finds nothing by itself: it has the other finders find onnxruntime, and acts behind its loader."""

    is_of_jidoka_attach = True

    def __init__(self, act: "Callable[[], None]") -> None:
        self._act = act

    def find_spec(self, name: str, path: "Any" = None, target: "Any" = None) -> "Any":
        """What the other finders find; for everything but onnxruntime nothing."""
        if name != RUNTIME:
            return None
        for finder in list(sys.meta_path):
            find = getattr(finder, "find_spec", None)
            if finder is self or find is None:
                continue
            spec = find(name, path, target)
            if spec is not None:
                try:
                    self._follow(spec.loader)
                except Exception as error:  # noqa: BLE001 - a loader that can't be followed still loads
                    say("onnxruntime's loader can't be followed: %s" % error)
                return spec
        return None

    def _follow(self, loader: "Any") -> None:
        # Of the loader's own object, so that its type stays, and module.__loader__ with it.
        own = loader.exec_module

        def exec_module(module: "Any") -> None:
            del loader.exec_module
            own(module)
            if self in sys.meta_path:
                sys.meta_path.remove(self)
                self._act()

        loader.exec_module = exec_module


def _attach(settings: "Dict[str, str]") -> None:
    """Have jidoka_tap watch what onnxruntime makes. Raises nothing."""
    try:
        import importlib  # noqa: PLC0415 - as below

        _load_tap()
        importlib.import_module("jidoka_tap.attach").install_as(settings)
    except Exception as error:  # noqa: BLE001 - the application runs, whatever it is
        say("the application runs unwatched: %s: %s" % (type(error).__name__, error))


def _load_tap() -> None:
    """jidoka_tap as the application has it, if that is the same version; else the one that this file is part of."""
    import importlib.util  # noqa: PLC0415 - takes time that a Python without onnxruntime needn't spend

    folder = os.path.dirname(HERE)
    name = os.path.basename(folder)
    if name in sys.modules or importlib.util.find_spec(name) is not None:
        theirs = importlib.import_module(name)
        ours: "Dict[str, str]" = {}
        with open(os.path.join(folder, "version.py"), encoding="ascii") as file:
            exec(file.read(), ours)  # noqa: S102 - our own file, of one line
        if theirs.__version__ != ours["VERSION"]:
            raise RuntimeError(
                "it has jidoka_tap %s of its own in %s, and `jidoka attach` is %s: install the same there, or take it away"
                % (theirs.__version__, os.path.dirname(str(theirs.__file__)), ours["VERSION"])
            )
        return
    spec = importlib.util.spec_from_file_location(name, os.path.join(folder, "__init__.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        for each in [each for each in sys.modules if each.partition(".")[0] == name]:
            del sys.modules[each]
        raise


def say(text: str) -> None:
    """One line for whoever looks; the log may not be set up yet."""
    if sys.stderr is not None:
        sys.stderr.write("jidoka attach: %s\n" % text)
