"""Structured Text (IEC 61131-3) that runs here: a parser of a small portable subset, and its translation to Python and C.

Whatever is outside the subset is refused with line and column. Arithmetic that would leave the range of its type is an
error and not a wrap, as what a PLC does then differs from maker to maker.
"""
