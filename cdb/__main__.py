"""Let `python -m cdb` do what `cdb` does."""

from cdb.main import main

main()
