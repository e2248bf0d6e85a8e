"""The frame around every service: process, consumer loop, retry, health, HTTP, logs."""
