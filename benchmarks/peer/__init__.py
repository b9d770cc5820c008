"""What runs in the environments of the peers: it imports nothing of ours."""
