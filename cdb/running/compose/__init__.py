"""What the containers of docker-compose.yml need that no image brings."""
