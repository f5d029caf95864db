"""What waits to be told: an index into the ledger and a cursor for each lane."""
