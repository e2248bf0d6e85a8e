"""Let `python -m cdb` do what `cdb` does."""

from cdb.main import main

if __name__ == "__main__":  # a worker process of `cdb backtest --grid` imports this module, too
    main()
