"""What data of every kind needs: sources, artifacts, tables, tokenizers, progress bars."""
