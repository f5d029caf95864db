"""Attach: onnxruntime sessions of a program that isn't changed, watched where they are made (`jidoka attach`)."""

from jidoka_tap.attach.installation import install, install_as, undo

__all__ = ["install", "install_as", "undo"]
