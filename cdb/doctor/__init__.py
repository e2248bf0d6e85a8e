"""The go-live checklist, executed against the stack that runs: one finding for each item."""
