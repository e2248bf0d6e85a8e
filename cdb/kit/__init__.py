"""What every command needs: errors and exit codes, printing, clients."""
