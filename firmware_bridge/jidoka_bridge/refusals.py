"""Why the monitor refuses what an application sends: one table, for its log, the ledger, the metrics and the docs."""

from __future__ import annotations

#: reason -> what people read. Reasons are frozen: they are values of the metrics' label `reason`.
REFUSALS: dict[str, str] = {
    # a connection
    "unknown model": "the plan has no model of this id or file",
    "another model": "the application's model lacks outputs that the manifest monitors",
    "wrong user": "another user than the plan's writes this model",
    "two writers": "another application already writes this model",
    "no hello": "a connection said for 5 s not who it is",
    "too many taps": "a connection that had not said who it is made place for a newer one",
    "endless garbage": "a connection sent so much that can't be read that it was ended",
    # a message of a connection
    "garbage": "a message isn't one of the record wire's",
    "bad tensors": "a record's tensors aren't what it says of them",
    "records quota": "more records a second than the plan allows",
    "bytes quota": "more bytes a second than the plan allows",
    "no arena": "a record points into an arena, and this connection has none",
    "no such slot": "a record points to a slot that the arena doesn't have",
    "slot too small": "a record says that it has more bytes than a slot",
    "slot not written": "the slot doesn't hold the record that points to it",
    "slot changed": "the slot was written while it was copied",
}
