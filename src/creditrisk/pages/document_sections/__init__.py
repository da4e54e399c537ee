"""What a model document says, section by section: reports in, blocks of words and tables out. No HTML is made here."""
