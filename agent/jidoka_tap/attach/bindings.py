"""What was bound to each onnxruntime.IOBinding, remembered beside it: older runtimes don't tell afterwards."""

import weakref
from typing import Any, Callable, Dict, NamedTuple, Optional

from jidoka_tap.attach.patches import Make, Patches
from jidoka_tap.binding import Binding, bound_by


class Memory(NamedTuple):
    """Of one binding. inputs: arrays, OrtValues, or None for an address; outputs: names, in the order of binding;
    reference: ends it with the binding."""

    inputs: Dict[str, Any]
    outputs: Dict[str, Any]
    reference: Any


#: method -> (field of Memory, name of the argument with the value; "" = what is bound can't be copied)
BINDERS = {
    "bind_cpu_input": ("inputs", "arr_on_cpu"),
    "bind_ortvalue_input": ("inputs", "ortvalue"),
    "bind_input": ("inputs", ""),
    "bind_output": ("outputs", ""),
    "bind_ortvalue_output": ("outputs", ""),
}
CLEARERS = {"clear_binding_inputs": "inputs", "clear_binding_outputs": "outputs"}


class Bindings:
    """Every IOBinding that was made since `patch`."""

    def __init__(self) -> None:
        self._memories: Dict[int, Memory] = {}

    def patch(self, patches: Patches, cls: type) -> None:
        """Follow this class's bindings from now on."""
        patches.replace(cls, "__init__", self._making)
        for name, (field, argument) in BINDERS.items():
            patches.replace(cls, name, self._binding(field, argument))
        for name, field in CLEARERS.items():
            patches.replace(cls, name, self._clearing(field))

    def known(self, binding: Any) -> Optional[Any]:
        """The binding, or a stand-in of it that the tap can read; None if nobody knows what is bound."""
        memory = self._memories.get(id(binding))
        if memory is None:
            return binding if bound_by(binding) is not None else None
        readable = Binding(binding)
        readable._jidoka_inputs.update(memory.inputs)  # noqa: SLF001 - the tap's own
        readable._jidoka_outputs.update(memory.outputs)  # noqa: SLF001
        return readable

    def _making(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def __init__(self: Any, *arguments: Any, **named: Any) -> None:  # noqa: N807 - it takes its place
            original(self, *arguments, **named)
            key = id(self)
            memories[key] = Memory({}, {}, weakref.ref(self, lambda _: memories.pop(key, None)))

        memories = self._memories
        return __init__

    def _binding(self, field: str, argument: str) -> Make:
        memories = self._memories

        def make(original: Callable[..., Any]) -> Callable[..., Any]:
            def bind(self: Any, *arguments: Any, **named: Any) -> Any:
                result = original(self, *arguments, **named)
                memory = memories.get(id(self))
                if memory is not None:
                    name = arguments[0] if arguments else named.get("name")
                    value = arguments[1] if len(arguments) > 1 else named.get(argument)
                    getattr(memory, field)[name] = value if argument else None
                return result

            return bind

        return make

    def _clearing(self, field: str) -> Make:
        memories = self._memories

        def make(original: Callable[..., Any]) -> Callable[..., Any]:
            def clear(self: Any, *arguments: Any, **named: Any) -> Any:
                result = original(self, *arguments, **named)
                memory = memories.get(id(self))
                if memory is not None:
                    getattr(memory, field).clear()
                return result

            return clear

        return make
