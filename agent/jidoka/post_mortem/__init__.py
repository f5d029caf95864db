"""What happened: one trip of the interlock, told from the ledger alone to somebody who wasn't there."""
