"""`cdb breaker`: show and reset the circuit breaker."""
