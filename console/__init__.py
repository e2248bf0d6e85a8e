"""cdb_console: the bot in the browser. What its servers know, and the switch that stops trading."""
