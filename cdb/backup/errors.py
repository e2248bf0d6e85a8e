"""What keeps a backup from being made or put back."""


class BackupError(Exception):
    """It cannot be made or put back; the text says why, and what is there is as it was."""
