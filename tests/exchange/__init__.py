"""Stand-ins for the exchanges: they speak as MEXC and Binance do, faults included, and know what really happened."""
