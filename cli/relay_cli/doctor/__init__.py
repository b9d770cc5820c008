"""What `relay doctor` looks at. A check is a function of the Deployment that yields Findings; it changes nothing."""
