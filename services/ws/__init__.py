"""cdb_ws: takes the market's trades from their source and puts them on the bus."""
