"""The bus: Redis Streams, and the spans of the messages on them."""
