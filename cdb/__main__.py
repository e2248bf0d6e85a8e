"""Let `python -m cdb` do what `cdb` does."""

from cdb.main import app

app(prog_name="cdb")
