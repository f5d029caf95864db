# ruff: noqa: INP001 - a folder for PYTHONPATH, no package
"""Run at the start of each Python that has this folder on PYTHONPATH: waits for onnxruntime, then makes room for the
application's own sitecustomize. Any Python may meet it, so its spelling is that of all of them.
"""

import os
import sys


def _begin():
    # type: () -> None
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [each for each in sys.path if os.path.abspath(each) != here]
    if sys.version_info < (3, 8):
        raise RuntimeError("it needs Python 3.8 or newer, this is %d.%d" % sys.version_info[:2])
    # By its place: nothing of Jidoka's environment is in the way of the application's own packages. By the kind of
    # loader that this module has: importlib takes a millisecond, which most Pythons that are started needn't spend.
    loader = type(__loader__)("_jidoka_attach", os.path.join(os.path.dirname(here), "finder.py"))  # type: ignore[name-defined]
    module = type(sys)(loader.name)
    module.__file__ = loader.path
    loader.exec_module(module)
    module.begin(os.environ)


try:
    _begin()
except Exception as error:  # noqa: BLE001 - the application runs, whatever it is
    if sys.stderr is not None:
        sys.stderr.write("jidoka attach: the application runs unwatched: %s\n" % error)

# Now the application's own, if it has one; else the ImportError that Python expects then.
del sys.modules["sitecustomize"]
import sitecustomize  # type: ignore[import-not-found]  # noqa: E402, F401 - this module is out of the way
