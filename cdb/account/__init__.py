"""What the account holds and has earned, read from its ledger as of one moment."""
