"""`cdb breaker`: show, trip and reset the circuit breaker."""
