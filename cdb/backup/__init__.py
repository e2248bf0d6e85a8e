"""Back up what cannot be made again (the ledger, the metrics, the notifications), and put it back."""
