"""What the account's pages show, read from the ledger in few and bounded statements."""
