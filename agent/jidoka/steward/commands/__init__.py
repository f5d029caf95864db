"""Commands from elsewhere: checked in one order, and each that isn't followed is recorded with why."""
