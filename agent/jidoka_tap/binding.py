"""An onnxruntime.IOBinding that remembers what was bound under which name: runtimes don't tell afterwards."""

from typing import Any, Dict, List, Optional, Tuple

#: the inputs by name, as arrays, OrtValues or something that can't be copied; the outputs' names in the order of binding
Bound = Tuple[Dict[str, Any], List[str]]


class Binding:
    """In place of the binding of a watched session; everything but the remembering is the binding's own."""

    __slots__ = ("_jidoka_binding", "_jidoka_inputs", "_jidoka_outputs")

    def __init__(self, binding: Any) -> None:
        object.__setattr__(self, "_jidoka_binding", binding)
        object.__setattr__(self, "_jidoka_inputs", {})
        object.__setattr__(self, "_jidoka_outputs", {})

    def bind_cpu_input(self, name: str, arr_on_cpu: Any) -> Any:
        result = self._jidoka_binding.bind_cpu_input(name, arr_on_cpu)
        self._jidoka_inputs[name] = arr_on_cpu
        return result

    def bind_ortvalue_input(self, name: str, ortvalue: Any) -> Any:
        result = self._jidoka_binding.bind_ortvalue_input(name, ortvalue)
        self._jidoka_inputs[name] = ortvalue
        return result

    def bind_input(self, name: str, *arguments: Any, **named: Any) -> Any:
        result = self._jidoka_binding.bind_input(name, *arguments, **named)
        self._jidoka_inputs[name] = None  # an address on some device
        return result

    def bind_output(self, name: str, *arguments: Any, **named: Any) -> Any:
        result = self._jidoka_binding.bind_output(name, *arguments, **named)
        self._jidoka_outputs[name] = None
        return result

    def bind_ortvalue_output(self, name: str, ortvalue: Any) -> Any:
        result = self._jidoka_binding.bind_ortvalue_output(name, ortvalue)
        self._jidoka_outputs[name] = None
        return result

    def clear_binding_inputs(self) -> Any:
        result = self._jidoka_binding.clear_binding_inputs()
        self._jidoka_inputs.clear()
        return result

    def clear_binding_outputs(self) -> Any:
        result = self._jidoka_binding.clear_binding_outputs()
        self._jidoka_outputs.clear()
        return result

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        return type(self._jidoka_binding)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_jidoka_"):
            raise AttributeError(name)
        return getattr(self._jidoka_binding, name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._jidoka_binding, name, value)

    def __dir__(self) -> List[str]:
        return dir(self._jidoka_binding)


def bound_by(binding: Any) -> Optional[Bound]:
    """What is bound, None for a binding that can't tell: made by another session, by an older onnxruntime."""
    if type(binding) is Binding:
        return binding._jidoka_inputs, list(binding._jidoka_outputs)  # noqa: SLF001 - its own module
    inputs, outputs = getattr(binding, "_bound_inputs", None), getattr(binding, "_bound_outputs", None)
    if not isinstance(inputs, dict) or not isinstance(outputs, dict):
        return None
    arrays = getattr(binding, "_numpy_obj_references", None)
    arrays = arrays if isinstance(arrays, dict) else {}
    return {name: arrays.get(name) if value is None else value for name, value in inputs.items()}, list(
        outputs
    )


def runtimes_own(binding: Any) -> Any:
    """The runtime's own object, which its session wants to see."""
    return binding._jidoka_binding if type(binding) is Binding else binding  # noqa: SLF001 - its own module
