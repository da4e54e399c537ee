"""The decision store's schema, step by step. A step that was shipped is never changed; a new one is put after it."""
