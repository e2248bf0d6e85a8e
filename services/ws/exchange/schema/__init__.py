"""What exchanges send in binary form, and what protoc makes of it (`make generate`)."""
