"""Faults: the menu, the rules that select requests and tasks, and what a fault does to a request."""
