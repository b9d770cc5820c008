"""Programs that run in the peers' environments. They import nothing from this project."""
